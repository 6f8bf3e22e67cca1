//! A minute of the day, as clocks on the wall show it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A local time of day in whole minutes, from `00:00` to `24:00`, the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute(u16);

/// A text that is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of day: write hours and minutes as HH:MM, for instance 02:30")]
pub struct NotATimeOfDay(pub String);

impl Minute {
    /// The start of the day, `00:00`.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of the day, `24:00`.
    pub const END_OF_DAY: Self = Self(24 * 60);

    /// So many minutes after midnight; None after the end of the day.
    #[must_use]
    pub fn after_midnight(minutes: u16) -> Option<Self> {
        (minutes <= Self::END_OF_DAY.0).then_some(Self(minutes))
    }

    /// Seconds after midnight.
    pub(super) fn seconds(self) -> i64 {
        i64::from(self.0) * 60
    }
}

impl FromStr for Minute {
    type Err = NotATimeOfDay;

    fn from_str(text: &str) -> Result<Self, NotATimeOfDay> {
        parse(text).ok_or_else(|| NotATimeOfDay(text.to_owned()))
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for Minute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Minute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn parse(text: &str) -> Option<Minute> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| -> Option<u16> {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if two { digits.parse().ok() } else { None }
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    if minute > 59 {
        return None;
    }
    Minute::after_midnight(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_is_read_as_it_is_written() {
        for minutes in 0..=1440 {
            let minute = Minute::after_midnight(minutes).unwrap();
            assert_eq!(minute.to_string().parse(), Ok(minute));
        }
        assert_eq!(Minute::after_midnight(1441), None);
    }

    #[test]
    fn what_no_clock_shows_is_refused() {
        let bad = [
            "",
            ":",
            "2:00",
            "02:0",
            "02:60",
            "24:01",
            "99:99",
            "+2:00",
            "02:00:00",
            "0200",
            "2 am",
            "०२:००",
        ];
        for text in bad {
            assert_eq!(text.parse::<Minute>(), Err(NotATimeOfDay(text.to_owned())));
        }
    }
}
