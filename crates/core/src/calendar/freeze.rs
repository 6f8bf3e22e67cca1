//! A freeze: a time in which nothing is released, whatever the windows say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A time in which nothing is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Freeze {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it; it lasts until somebody ends it when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why, for those who wait.
    pub reason: String,
}

/// A freeze that ends before it starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a freeze from {from} until {until} has no length: let it end after it starts")]
pub struct FreezeError {
    /// When it was to start.
    pub from: Timestamp,
    /// When it was to end.
    pub until: Timestamp,
}

impl Freeze {
    /// The freeze from the one moment until the other, or until somebody ends it.
    ///
    /// # Errors
    /// When it does not end after it starts.
    pub fn new(
        from: Timestamp,
        until: Option<Timestamp>,
        reason: impl Into<String>,
    ) -> Result<Self, FreezeError> {
        if let Some(until) = until
            && until <= from
        {
            return Err(FreezeError { from, until });
        }
        Ok(Self {
            from,
            until,
            reason: reason.into(),
        })
    }

    /// Whether nothing is released at this moment.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// The next moment after `at` at which it begins or ends.
    #[must_use]
    pub fn changes_after(&self, at: Timestamp) -> Option<Timestamp> {
        if at < self.from {
            Some(self.from)
        } else {
            self.until.filter(|&until| at < until)
        }
    }
}

/// A freeze as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: Timestamp,
    #[serde(default)]
    until: Option<Timestamp>,
    reason: String,
}

impl TryFrom<Written> for Freeze {
    type Error = FreezeError;

    fn try_from(written: Written) -> Result<Self, FreezeError> {
        Self::new(written.from, written.until, written.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_covers_its_start_and_not_its_end() {
        let (from, until) = (time("2026-12-20T00:00Z"), time("2027-01-04T00:00Z"));
        let freeze = Freeze::new(from, Some(until), "holidays").unwrap();
        let just = |time: Timestamp| time - jiff::SignedDuration::from_nanos(1);
        let covered = [just(from), from, just(until), until].map(|at| freeze.covers(at));
        assert_eq!(covered, [false, true, true, false]);
        let changes = [just(from), from, just(until), until].map(|at| freeze.changes_after(at));
        assert_eq!(changes, [Some(from), Some(until), Some(until), None]);
    }

    #[test]
    fn without_an_end_it_lasts() {
        let text = r#"{"from":"2026-12-20T00:00:00Z","reason":"recall"}"#;
        let freeze: Freeze = serde_json::from_str(text).unwrap();
        assert!(freeze.covers(Timestamp::MAX));
        assert_eq!(freeze.changes_after(freeze.from), None);
        assert_eq!(serde_json::to_string(&freeze).unwrap(), text);
    }

    #[test]
    fn it_must_have_a_length() {
        let at = time("2026-12-20T00:00Z");
        let error = Freeze::new(at, Some(at), "").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a freeze from 2026-12-20T00:00:00Z until 2026-12-20T00:00:00Z has no length: \
             let it end after it starts"
        );
    }
}
