//! A set of days of the week.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NAMES: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Days of the week; none listed means every day. In JSON a list of names, such as `["monday", "friday"]`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Days(u8);

/// A word that is no day of the week.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day: write {list}", list = NAMES.join(", "))]
pub struct NotADay(pub String);

impl Days {
    /// No restriction.
    pub const EVERY: Self = Self(0);

    /// Whether this day is one of them.
    #[must_use]
    pub fn allow(self, day: Weekday) -> bool {
        self.allow_nth(day.to_monday_zero_offset())
    }

    /// The names of the days that are listed, from Monday on; none where every day is meant.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        (0i8..)
            .zip(NAMES)
            .filter(move |&(nth, _)| self.lists(nth))
            .map(|(_, name)| name)
    }

    /// Whether the day so many days after 1970-01-01 is one of them.
    pub(super) fn allow_date(self, days_since_epoch: i64) -> bool {
        // 1970-01-01 was a Thursday.
        self.allow_nth((days_since_epoch + 3).rem_euclid(7) as i8)
    }

    fn allow_nth(self, after_monday: i8) -> bool {
        self == Self::EVERY || self.lists(after_monday)
    }

    fn lists(self, after_monday: i8) -> bool {
        self.0 & (1 << after_monday) != 0
    }
}

impl FromIterator<Weekday> for Days {
    fn from_iter<I: IntoIterator<Item = Weekday>>(days: I) -> Self {
        let bit = |day: Weekday| 1 << day.to_monday_zero_offset();
        Self(days.into_iter().map(bit).fold(0, |all, bit| all | bit))
    }
}

impl FromStr for Days {
    type Err = NotADay;

    /// One day by its name.
    fn from_str(name: &str) -> Result<Self, NotADay> {
        let nth = NAMES.iter().position(|it| *it == name);
        nth.map(|nth| Self(1 << nth))
            .ok_or_else(|| NotADay(name.to_owned()))
    }
}

impl fmt::Debug for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EVERY {
            return f.write_str("every day");
        }
        let names: Vec<&str> = self.names().collect();
        write!(f, "on {}", names.join(", "))
    }
}

impl Serialize for Days {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut days = Self::EVERY;
        for name in Vec::<String>::deserialize(deserializer)? {
            let day: Self = name.parse().map_err(serde::de::Error::custom)?;
            days.0 |= day.0;
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_listed_means_every_day() {
        let days: Days = serde_json::from_str("[]").unwrap();
        assert_eq!(days, Days::EVERY);
        assert_eq!(days.to_string(), "every day");
        assert!((0..7).all(|date| days.allow_date(date)));
    }

    #[test]
    fn days_are_a_set() {
        let days: Days = serde_json::from_str(r#"["sunday", "monday", "sunday"]"#).unwrap();
        assert_eq!(
            days,
            [Weekday::Monday, Weekday::Sunday].into_iter().collect()
        );
        assert_eq!(
            serde_json::to_string(&days).unwrap(),
            r#"["monday","sunday"]"#
        );
        assert_eq!(days.to_string(), "on monday, sunday");
        assert!(days.allow(Weekday::Sunday) && !days.allow(Weekday::Saturday));
    }

    #[test]
    fn dates_have_their_weekdays() {
        let thursday: Days = "thursday".parse().unwrap();
        for (date, expected) in [(0, true), (1, false), (7, true), (-7, true), (-1, false)] {
            assert_eq!(thursday.allow_date(date), expected, "{date}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        for word in ["mon", "Monday", "", "funday"] {
            let error = serde_json::from_value::<Days>(serde_json::json!([word])).unwrap_err();
            let expected = format!("`{word}` is not a day: write monday, tuesday,");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
    }
}
