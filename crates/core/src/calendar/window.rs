//! A window: local times of day, on given days of the week, in one time zone.
//!
//! When it opens and closes on the line of time is found in the module beside this.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::days::Days;
use super::minute::Minute;
use super::zones::{self, UnknownTimezone};

const DAY: i64 = 24 * 60 * 60;

/// A window that opens on given days.
///
/// It holds every instant whose local time lies in `start_time` (included) to `end_time` (excluded)
/// on one of `days`. It crosses midnight when it ends before it starts; the part after midnight then
/// belongs to the date before, the one on which the window opened. `24:00` to end means the end of the
/// day, so that `00:00` to `24:00` is the whole day.
///
/// Where clocks change, this stays true to the letter:
///
/// - **Local times that clocks skip do not happen.** On that day a window from 02:00 to 03:00 may be
///   empty, and one from 01:30 to 03:30 be shorter by an hour.
/// - **Local times that happen twice are in the window twice.** On that day a window from 02:00 to
///   03:00 may last two hours, and one from 02:15 to 02:45 be open twice, with a pause between.
/// - **Dates that a zone skips keep their weekday.** The part after midnight belongs to the date before
///   in the calendar of dates, whether the zone had that date or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Window {
    /// The local time at which it opens.
    pub start_time: Minute,
    /// The local time at which it closes, on the next day where it is not after `start_time`.
    pub end_time: Minute,
    /// The days on which it opens.
    pub days: Days,
    /// The IANA name of the time zone in which times and days are meant. A window that was not made by
    /// [`Window::new`] and names no zone is never open.
    pub timezone: String,
}

/// Why something is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It would be empty, or the whole day.
    #[error(
        "a window from {0} to {0} has no length: give different times, or for a whole day 00:00 and 24:00"
    )]
    NoLength(Minute),
    /// `24:00` as start.
    #[error("a window cannot start at 24:00: write 00:00 and the day after")]
    StartsAtEndOfDay,
    /// The zone does not exist.
    #[error(transparent)]
    Timezone(#[from] UnknownTimezone),
}

impl Window {
    /// The window from `start_time` to `end_time` on `days`, in the zone with the IANA name `timezone`.
    ///
    /// # Errors
    /// When it has no length, starts at the end of a day, or the zone does not exist.
    pub fn new(
        start_time: Minute,
        end_time: Minute,
        days: Days,
        timezone: impl Into<String>,
    ) -> Result<Self, WindowError> {
        let timezone = timezone.into();
        if start_time == end_time {
            return Err(WindowError::NoLength(start_time));
        }
        if start_time == Minute::END_OF_DAY {
            return Err(WindowError::StartsAtEndOfDay);
        }
        zones::known(&timezone)?;
        Ok(Self {
            start_time,
            end_time,
            days,
            timezone,
        })
    }

    /// Whether it is open at a local time, in seconds since 1970-01-01 00:00 of the same clock.
    pub(super) fn holds(&self, local: i64) -> bool {
        let (date, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (start, end) = (self.start_time.seconds(), self.end_time.seconds());
        if start < end {
            (start..end).contains(&second) && self.days.allow_date(date)
        } else {
            second >= start && self.days.allow_date(date)
                || second < end && self.days.allow_date(date - 1)
        }
    }

    /// The next local time after `local` that is its start or its end on any day.
    pub(super) fn next_edge(&self, local: i64) -> i64 {
        let today = local - local.rem_euclid(DAY);
        let (start, end) = (self.start_time.seconds(), self.end_time.seconds());
        [start, end, DAY + start, DAY + end]
            .into_iter()
            .map(|second| today + second)
            .filter(|&edge| edge > local)
            .min()
            .expect("invariant: the start of tomorrow's window is ahead")
    }

    /// Whether these windows, all in one zone, are together open at every local time.
    pub(super) fn fill_the_week(windows: &[&Self]) -> bool {
        let edges = || windows.iter().flat_map(|it| [it.start_time, it.end_time]);
        (0..7).all(|date| {
            std::iter::once(Minute::MIDNIGHT)
                .chain(edges())
                .map(|edge| date * DAY + edge.seconds())
                .all(|local| windows.iter().any(|window| window.holds(local)))
        })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.start_time, self.end_time);
        write!(f, "{start} to {end} {} ({})", self.days, self.timezone)
    }
}

/// A window as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    start_time: Minute,
    end_time: Minute,
    #[serde(default)]
    days: Days,
    timezone: String,
}

impl TryFrom<Written> for Window {
    type Error = WindowError;

    fn try_from(written: Written) -> Result<Self, WindowError> {
        let Written {
            start_time,
            end_time,
            days,
            timezone,
        } = written;
        Self::new(start_time, end_time, days, timezone)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(window: Value) -> String {
        serde_json::from_value::<Window>(window)
            .unwrap_err()
            .to_string()
    }

    fn window(start: &str, end: &str, days: &[&str]) -> Window {
        serde_json::from_value(json!({
            "start_time": start, "end_time": end, "days": days, "timezone": "UTC",
        }))
        .unwrap()
    }

    #[test]
    fn it_is_read_and_written() {
        let text = r#"{"start_time":"02:00","end_time":"06:00","timezone":"UTC"}"#;
        let nightly: Window = serde_json::from_str(text).unwrap();
        assert_eq!(nightly.to_string(), "02:00 to 06:00 every day (UTC)");
        let text =
            r#"{"start_time":"22:00","end_time":"24:00","days":["friday"],"timezone":"UTC"}"#;
        let friday: Window = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&friday).unwrap(), text);
        assert_eq!(friday.to_string(), "22:00 to 24:00 on friday (UTC)");
    }

    #[test]
    fn what_is_no_window_is_refused_with_advice() {
        let good = json!({"start_time": "02:00", "end_time": "06:00", "timezone": "UTC"});
        let with = |key: &str, value: Value| {
            let mut bad = good.clone();
            bad[key] = value;
            refusal(bad)
        };
        assert_eq!(
            with("end_time", json!("02:00")),
            "a window from 02:00 to 02:00 has no length: give different times, or for a whole day 00:00 and 24:00"
        );
        assert_eq!(
            with("start_time", json!("24:00")),
            "a window cannot start at 24:00: write 00:00 and the day after"
        );
        assert!(with("start_time", json!("25:00")).starts_with("`25:00` is not a time of day:"));
        assert!(with("timezone", json!("Berlin")).starts_with("`Berlin` is not a time zone:"));
        assert!(with("days", json!(["mo"])).starts_with("`mo` is not a day:"));
        assert!(with("weekdays", json!([])).starts_with("unknown field `weekdays`"));
    }

    #[test]
    fn after_midnight_it_belongs_to_the_day_it_opened_on() {
        let thursday = window("22:00", "02:00", &["thursday"]);
        let at = |date: i64, hour: i64| thursday.holds(date * DAY + hour * 3600);
        let open: Vec<(i64, i64)> = (-2..7)
            .flat_map(|date| (0..24).map(move |hour| (date, hour)))
            .filter(|&(date, hour)| at(date, hour))
            .collect();
        assert_eq!(open, [(0, 22), (0, 23), (1, 0), (1, 1)]);
    }

    #[test]
    fn a_whole_week_is_filled_only_without_a_hole() {
        let fill = |windows: &[Window]| Window::fill_the_week(&windows.iter().collect::<Vec<_>>());
        assert!(fill(&[window("00:00", "24:00", &[])]));
        assert!(fill(&[
            window("06:00", "18:00", &[]),
            window("18:00", "06:00", &[])
        ]));
        assert!(!fill(&[
            window("06:00", "18:00", &[]),
            window("18:01", "06:00", &[])
        ]));
        assert!(!fill(&[window("00:00", "24:00", &["monday", "tuesday"])]));
        assert!(!fill(&[window("00:00", "23:59", &[])]));
        assert!(!fill(&[]));
    }
}
