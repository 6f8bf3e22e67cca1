//! When a plan is executed: once at a time, or again and again as a cron expression says.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::cron::{CronError, Expression};
use super::zones::{self, UnknownTimezone};

/// When an execution starts.
///
/// In JSON `{"at": "2026-01-01T02:00:00Z"}` or `{"cron": "0 2 * * MON", "timezone": "Europe/Berlin"}`,
/// where `timezone` is UTC when absent. A text alone is a time, or a cron expression in UTC.
///
/// A cron expression has five fields: minute, hour, day of month, month, day of week. Its times are local
/// times of its zone. Where the clocks change, it depends on the hour field:
///
/// - **An hour that does not begin with `*` names times of day, and each is due once.** A time that the
///   clocks skip is due at the moment they jump, a time that comes twice is due the first time.
/// - **An hour that begins with `*` goes through the hours as they pass.** Nothing is due in an hour that
///   is skipped, and an hour that comes twice counts twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Once, at this time.
    At(Timestamp),
    /// Whenever the expression is due. One that [`Schedule::cron`] would refuse is never due.
    #[serde(untagged)]
    Cron {
        /// Minute, hour, day of month, month and day of week.
        cron: String,
        /// The IANA name of the zone whose times are meant.
        timezone: String,
    },
}

/// Why something is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The time cannot be read.
    #[error(
        "`{0}` is not a time: write date, time and offset, for instance `2026-01-01T02:00:00Z` or `2026-01-01T02:00:00+01:00`"
    )]
    Time(String),
    /// The cron expression cannot be read, or never comes.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The zone does not exist.
    #[error(transparent)]
    Timezone(#[from] UnknownTimezone),
    /// Neither of the two was given, or both.
    #[error("a schedule has either `at`, a time, or `cron`, an expression: give one of the two")]
    AtOrCron,
    /// A zone for a single time.
    #[error("`timezone` goes with `cron`: a time in `at` has its offset, for instance `+01:00`")]
    TimezoneOfTime,
}

impl Schedule {
    /// The zone of an expression that names none.
    const UTC: &str = "UTC";

    /// Whenever the expression is due in the zone with the IANA name `timezone`.
    ///
    /// # Errors
    /// When the expression cannot be read or names a day that never comes, or the zone does not exist.
    pub fn cron(cron: &str, timezone: &str) -> Result<Self, ScheduleError> {
        let cron = cron.trim();
        Expression::checked(cron)?;
        zones::known(timezone)?;
        Ok(Self::Cron {
            cron: cron.to_owned(),
            timezone: timezone.to_owned(),
        })
    }

    /// The first time after `at` at which it is due.
    #[must_use]
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(time) => (*time > at).then_some(*time),
            Self::Cron { cron, timezone } => {
                let expression = Expression::read(cron).ok()?;
                expression.next_after(at, &zones::find(timezone)?)
            }
        }
    }

    /// Whether it can be due more than once.
    #[must_use]
    pub fn repeats(&self) -> bool {
        match self {
            Self::At(_) => false,
            Self::Cron { .. } => true,
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// A time, or a cron expression in UTC.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let is_cron = text.starts_with('@') || (text.contains(' ') && !text.contains(':'));
        if is_cron {
            Self::cron(text, Self::UTC)
        } else {
            time(text).map(Self::At)
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(f, "once, at {time}"),
            Self::Cron { cron, timezone } => match Expression::read(cron) {
                Ok(expression) => write!(f, "{} ({timezone})", expression.describe()),
                Err(_) => write!(f, "{cron} ({timezone})"),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrFields)
    }
}

/// A schedule as people write it, with names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    cron: Option<String>,
    #[serde(default)]
    timezone: Option<String>,
}

impl TryFrom<Fields> for Schedule {
    type Error = ScheduleError;

    fn try_from(fields: Fields) -> Result<Self, ScheduleError> {
        match (fields.at, fields.cron, fields.timezone) {
            (Some(at), None, None) => time(&at).map(Self::At),
            (None, Some(cron), zone) => Self::cron(&cron, zone.as_deref().unwrap_or(Self::UTC)),
            (Some(_), None, Some(_)) => Err(ScheduleError::TimezoneOfTime),
            (Some(_), Some(_), _) | (None, None, _) => Err(ScheduleError::AtOrCron),
        }
    }
}

struct TextOrFields;

impl<'de> Visitor<'de> for TextOrFields {
    type Value = Schedule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time, a cron expression, or an object with `at` or `cron`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Schedule, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Schedule, A::Error> {
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        fields.try_into().map_err(de::Error::custom)
    }
}

fn time(text: &str) -> Result<Timestamp, ScheduleError> {
    text.parse()
        .map_err(|_| ScheduleError::Time(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Schedule, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_due_once() {
        let time = moment("2026-01-01T02:00:00Z");
        for written in [
            json!("2026-01-01T02:00:00Z"),
            json!({"at": "2026-01-01T03:00:00+01:00"}),
        ] {
            let once = read(written).unwrap();
            assert_eq!(once, Schedule::At(time));
            assert!(!once.repeats());
            assert_eq!(
                once.next_after(moment("2026-01-01T01:59:59.9Z")),
                Some(time)
            );
            assert_eq!(once.next_after(time), None);
            assert_eq!(once.next_after(moment("2030-01-01T00:00:00Z")), None);
            assert_eq!(once.to_string(), "once, at 2026-01-01T02:00:00Z");
            let written = serde_json::to_value(&once).unwrap();
            assert_eq!(written, json!({"at": "2026-01-01T02:00:00Z"}));
        }
    }

    #[test]
    fn a_cron_expression_is_due_again_and_again() {
        let written = json!({"cron": "0 2 * * MON", "timezone": "Europe/Berlin"});
        let weekly = read(written.clone()).unwrap();
        assert!(weekly.repeats());
        let first = weekly.next_after(moment("2026-03-24T00:00:00Z"));
        assert_eq!(first, Some(moment("2026-03-30T00:00:00Z")));
        assert_eq!(serde_json::to_value(&weekly).unwrap(), written);
        assert_eq!(weekly.to_string(), "at 02:00, on Monday (Europe/Berlin)");
    }

    #[test]
    fn a_text_or_a_missing_zone_means_utc() {
        let expected = Schedule::cron("0 2 * * MON", "UTC");
        assert_eq!(
            read(json!({"cron": " 0 2 * * MON "})).as_ref(),
            Ok(expected.as_ref().unwrap())
        );
        assert_eq!(" 0 2 * * MON ".parse(), expected);
        assert_eq!("@daily".parse(), Schedule::cron("@daily", "UTC"));
    }

    #[test]
    fn words_for_people() {
        for (cron, words) in [
            ("30 4 1 * *", "at 04:30, on day 1 (UTC)"),
            ("*/15 * * * *", "at every 15 minutes (UTC)"),
            ("@daily", "at 00:00 (UTC)"),
            (
                "0 2 * * 1-5",
                "at 02:00, on Monday, Tuesday, Wednesday, Thursday, and Friday (UTC)",
            ),
        ] {
            assert_eq!(Schedule::cron(cron, "UTC").unwrap().to_string(), words);
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_advice() {
        for (written, message) in [
            (
                json!("tomorrow"),
                "`tomorrow` is not a time: write date, time and offset",
            ),
            (
                json!("2026-01-01T02:00:00"),
                "`2026-01-01T02:00:00` is not a time:",
            ),
            (
                json!("2026-01-01 02:00"),
                "`2026-01-01 02:00` is not a time:",
            ),
            (json!(""), "`` is not a time:"),
            (json!({"at": "0 2 * * MON"}), "`0 2 * * MON` is not a time:"),
            (
                json!("0 2 * *"),
                "`0 2 * *` is not a cron expression: it has 4 fields and not 5;",
            ),
            (
                json!({"cron": "0 2 * * MON", "timezone": "Berlin"}),
                "`Berlin` is not a time zone:",
            ),
            (json!({}), "a schedule has either `at`, a time, or `cron`"),
            (
                json!({"at": "2026-01-01T02:00:00Z", "cron": "0 2 * * *"}),
                "a schedule has either",
            ),
            (
                json!({"at": "2026-01-01T02:00:00Z", "timezone": "UTC"}),
                "`timezone` goes with `cron`",
            ),
            (json!({"crontab": "0 2 * * *"}), "unknown field `crontab`"),
            (
                json!(5),
                "invalid type: integer `5`, expected a time, a cron expression",
            ),
        ] {
            let refusal = read(written).unwrap_err();
            assert!(refusal.starts_with(message), "{refusal}");
        }
    }

    #[test]
    fn what_was_not_checked_is_never_due() {
        let (cron, timezone) = ("0 2 30 2 *".to_owned(), "UTC".to_owned());
        let never = Schedule::Cron { cron, timezone };
        assert_eq!(never.next_after(moment("2026-01-01T00:00:00Z")), None);
        assert_eq!(never.to_string(), "at 02:00, on day 30, in February (UTC)");
    }
}
