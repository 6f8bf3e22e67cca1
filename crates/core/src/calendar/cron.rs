//! Cron expressions: what is accepted, and when the next run is.
//!
//! The fields are matched by a library, on local dates and times alone. Which moments those are, also
//! where clocks change, is decided here.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The names of the fields, and the words that may stand in each.
const FIELDS: [(&str, &[&str]); 5] = [
    ("minute", &[]),
    ("hour", &[]),
    ("day of month", &["L", "W", "LW"]),
    ("month", MONTHS),
    ("day of week", WEEKDAYS),
];

/// A text that is no cron expression, or one that never comes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{cron}` is not a cron expression: {reason}; write minute, hour, day of month, month and day of week, for instance `0 2 * * MON` for Mondays at 02:00"
)]
pub struct CronError {
    /// The text.
    pub cron: String,
    /// What is wrong with it.
    pub reason: String,
}

impl CronError {
    fn of(cron: &str, reason: &str) -> Self {
        Self {
            cron: cron.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// A cron expression of five fields.
pub(super) struct Expression(Cron);

impl Expression {
    /// The expression that this text is, and that comes on some day.
    pub(super) fn checked(text: &str) -> Result<Self, CronError> {
        let expression = Self::read(text)?;
        if expression.ever_comes() {
            Ok(expression)
        } else {
            Err(CronError::of(text, "there is no such day"))
        }
    }

    /// The expression that this text is; it may name days that never come.
    pub(super) fn read(text: &str) -> Result<Self, CronError> {
        check_words(text).map_err(|reason| CronError::of(text, &reason))?;
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let read = parser.parse(text).map(Self);
        read.map_err(|error| CronError::of(text, error.to_string().trim_end_matches('.')))
    }

    /// The first moment after `at` at which it is due in `zone`.
    ///
    /// It goes from one change of the clock to the next: between them, every local time is one moment.
    pub(super) fn next_after(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut from = at;
        loop {
            let change = zone.following(from).next();
            let until = change.as_ref().map_or(Timestamp::MAX, |it| it.timestamp());
            let local = self.next_local(from, from > at, until, zone)?;
            let due = zone.to_offset(from).to_timestamp(local).ok()?;
            let Some(change) = change.filter(|_| due >= until) else {
                return Some(due);
            };
            let skipped = local < change.offset().to_datetime(until);
            if skipped && !self.goes_through_all_hours() {
                return Some(until);
            }
            from = until;
        }
    }

    /// Words for people, without a full stop.
    pub(super) fn describe(&self) -> String {
        let words = self.0.describe();
        let mut words = words.trim_end_matches('.').chars();
        let first = words.next().into_iter().flat_map(char::to_lowercase);
        first.chain(words).collect()
    }

    /// Whether there is a date and a time that it names.
    fn ever_comes(&self) -> bool {
        self.matching(date(2000, 1, 1).at(0, 0, 0, 0), true)
            .is_some()
    }

    /// The first local time that counts, on the clock as it is at `from` and as if it were never changed.
    fn next_local(
        &self,
        from: Timestamp,
        inclusive: bool,
        until: Timestamp,
        zone: &TimeZone,
    ) -> Option<DateTime> {
        let offset = zone.to_offset(from);
        let mut local = self.matching(offset.to_datetime(from), inclusive)?;
        if self.goes_through_all_hours() {
            return Some(local);
        }
        let repeated = |local: DateTime| {
            let moment = offset.to_timestamp(local).ok();
            let first = zone.to_ambiguous_timestamp(local).earlier().ok();
            moment < Some(until) && first < moment
        };
        while repeated(local) {
            local = self.matching(local, false)?;
        }
        Some(local)
    }

    /// The first local time after this one, or from this one on, that its fields match.
    fn matching(&self, local: DateTime, inclusive: bool) -> Option<DateTime> {
        self.0.find_next_occurrence(&local, inclusive).ok()
    }

    /// Whether it follows the hours that pass, and not the clock on the wall: its hour begins with `*`.
    fn goes_through_all_hours(&self) -> bool {
        self.0.pattern.hours.from_wildcard
    }
}

/// Refuses what the library would take for something else: fields too many or too few, empty entries of
/// lists, and names of days and months in fields of other things.
fn check_words(text: &str) -> Result<(), String> {
    if text.starts_with('@') {
        let known = [
            "@hourly",
            "@daily",
            "@weekly",
            "@monthly",
            "@yearly",
            "@annually",
        ];
        let is_known = known.iter().any(|name| name.eq_ignore_ascii_case(text));
        let message = || format!("`{text}` is none of {}", known.join(", "));
        return if is_known { Ok(()) } else { Err(message()) };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("it has {} fields and not 5", fields.len()));
    }
    for (field, (name, words)) in fields.into_iter().zip(FIELDS) {
        if field.split(',').any(str::is_empty) {
            return Err(format!("the {name} `{field}` has an empty entry"));
        }
        let stranger = field
            .split(|letter: char| !letter.is_alphabetic())
            .find(|word| !word.is_empty() && !may_stand(word, words));
        if let Some(word) = stranger {
            return Err(format!("`{word}` cannot stand in the {name}"));
        }
    }
    Ok(())
}

/// Whether the word is one of these. The last of a weekday in a month is written with an L behind it.
fn may_stand(word: &str, words: &[&str]) -> bool {
    let upper = word.to_ascii_uppercase();
    let weekday = upper.strip_suffix('L').filter(|_| words == WEEKDAYS);
    words.contains(&upper.as_str())
        || weekday.is_some_and(|it| it.is_empty() || words.contains(&it))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::zones;

    /// The next moments at which the expression is due, in local time with its offset.
    fn due(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let expression = Expression::read(cron).unwrap();
        let zone = zones::find(zone).unwrap();
        let next = |at: &Timestamp| expression.next_after(*at, &zone);
        std::iter::successors(next(&after.parse().unwrap()), next)
            .take(count)
            .map(|at| at.display_with_offset(zone.to_offset(at)).to_string())
            .collect()
    }

    fn refusal(cron: &str) -> String {
        match Expression::checked(cron) {
            Ok(_) => panic!("{cron} was accepted"),
            Err(error) => error.reason,
        }
    }

    #[test]
    fn a_time_that_clocks_skip_is_due_when_they_jump() {
        assert_eq!(
            due("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", 3),
            [
                "2026-03-28T02:30:00+01:00",
                "2026-03-29T03:00:00+02:00",
                "2026-03-30T02:30:00+02:00"
            ]
        );
        // Skipped times and the moment after them are due once.
        assert_eq!(
            due("0,30 2,3 29 3 *", "Europe/Berlin", "2026-03-29T00:00Z", 3),
            [
                "2026-03-29T03:00:00+02:00",
                "2026-03-29T03:30:00+02:00",
                "2027-03-29T02:00:00+02:00"
            ]
        );
    }

    #[test]
    fn a_time_that_comes_twice_is_due_the_first_time() {
        let expected = ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"];
        assert_eq!(
            due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2),
            expected
        );
        // Asked between the two, and in the second hour.
        for after in ["2026-10-25T00:30Z", "2026-10-25T01:10Z"] {
            assert_eq!(due("30 2 * * *", "Europe/Berlin", after, 1), expected[1..]);
        }
        assert_eq!(
            due("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", 2),
            ["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"]
        );
    }

    #[test]
    fn all_hours_are_those_that_pass() {
        assert_eq!(
            due("0 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", 2),
            ["2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"]
        );
        assert_eq!(
            due("30 * * * *", "Europe/Berlin", "2026-10-24T23:40Z", 3),
            [
                "2026-10-25T02:30:00+02:00",
                "2026-10-25T02:30:00+01:00",
                "2026-10-25T03:30:00+01:00"
            ]
        );
    }

    #[test]
    fn a_day_that_a_zone_skips_is_due_when_it_is_skipped() {
        assert_eq!(
            due("0 2 * * *", "Pacific/Apia", "2011-12-29T00:00Z", 4),
            [
                "2011-12-29T02:00:00-10:00",
                "2011-12-31T00:00:00+14:00",
                "2011-12-31T02:00:00+14:00",
                "2012-01-01T02:00:00+14:00"
            ]
        );
    }

    #[test]
    fn parts_of_a_second_do_not_shift_it() {
        for after in ["2026-01-05T01:59:59.5Z", "2026-01-05T01:59:59Z"] {
            assert_eq!(
                due("0 2 * * *", "UTC", after, 1),
                ["2026-01-05T02:00:00+00:00"]
            );
        }
        assert_eq!(
            due("0 2 * * *", "UTC", "2026-01-05T02:00:00.5Z", 1),
            ["2026-01-06T02:00:00+00:00"]
        );
    }

    #[test]
    fn rare_days_are_found() {
        assert_eq!(
            due("0 0 29 2 +MON", "Europe/Berlin", "2026-01-01T00:00Z", 2),
            ["2044-02-29T00:00:00+01:00", "2072-02-29T00:00:00+01:00"]
        );
        assert_eq!(due("0 2 * * 5L", "UTC", "2026-01-01T00:00Z", 1).len(), 1);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for (cron, reason) in [
            ("", "it has 0 fields and not 5"),
            ("0 2 * *", "it has 4 fields and not 5"),
            ("0 0 2 * * MON", "it has 6 fields and not 5"),
            (", 2 * * *", "the minute `,` has an empty entry"),
            ("0 2 MON * *", "`MON` cannot stand in the day of month"),
            ("0 2 * * MONDAY", "`MONDAY` cannot stand in the day of week"),
            ("0 2 * * JAN", "`JAN` cannot stand in the day of week"),
            ("SUN 2 * * *", "`SUN` cannot stand in the minute"),
            ("0 0 30 2 *", "there is no such day"),
            ("@reboot", "`@reboot` is none of @hourly, @daily"),
            ("60 2 * * *", "Component error: Number out of bounds"),
            ("0 24 * * *", "Component error: Number out of bounds"),
            ("*/0 2 * * *", "Component error: Step cannot be zero"),
        ] {
            let refusal = refusal(cron);
            assert!(refusal.starts_with(reason), "{cron}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "([-0-9*,/LW#]{1,4} ){4}[-0-9*,/L#+]{1,4}|\\PC{0,16}") {
            let at: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
            if let Ok(expression) = Expression::checked(&text) {
                let next = expression.next_after(at, &zones::find("Europe/Berlin").unwrap());
                prop_assert!(next.is_some_and(|next| next > at), "{text:?}");
            }
        }
    }
}
