//! Spans of time in whole seconds, the unit of every timeout in plans and configuration.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A span of whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u32);

impl Seconds {
    /// The moment this span after `start`, rounded up to a whole second so that deadlines of
    /// neighbours fall together; the end of time where the sum would pass it.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        let exact = start
            .checked_add(SignedDuration::from_secs(i64::from(self.0)))
            .unwrap_or(Timestamp::MAX);
        let up = i64::from(exact.subsec_nanosecond() > 0);
        Timestamp::from_second(exact.as_second().saturating_add(up)).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}
