//! A promise that was broken.

use std::fmt;

/// What the simulation proves, by name.
pub(crate) mod promise {
    pub(crate) const ONE_OPEN: &str = "a device has at most one open attempt";
    pub(crate) const OFFERS: &str = "an update is offered only while nothing speaks against it";
    pub(crate) const PACE: &str = "limits on the pace hold at every instant";
    pub(crate) const PLACES: &str = "only a share of a place is under way at once";
    pub(crate) const BLAST: &str = "no wave opens beyond the blast radius";
    pub(crate) const CONCURRENCY: &str = "no more executions run at once than may";
    pub(crate) const APPROVAL: &str = "no execution without an approved plan";
    pub(crate) const ENDS: &str = "an end is the end";
    pub(crate) const AUDIT: &str = "each decision and command has exactly one audit entry";
    pub(crate) const OUTBOX: &str = "each decision is told, and kept until it is";
    pub(crate) const KEPT: &str = "what was acknowledged is kept";
    pub(crate) const SAME_ANSWER: &str = "a repeated request gets the same answer";
    pub(crate) const FENCED: &str = "a driver that was overtaken changes nothing";
    pub(crate) const VERDICTS: &str = "the numbers of a decision give its verdict";
    pub(crate) const WAY_BACK: &str = "a rollback reaches every device or names it";
    pub(crate) const LIVENESS: &str = "everything ends or waits for somebody";
    pub(crate) const DEADLINES: &str = "no deadline passes unnoticed";
    pub(crate) const COUNTS: &str = "counts are those of the devices";
    pub(crate) const VERSIONS: &str = "what is known of a device is what it runs";
    pub(crate) const ATTEMPTS: &str = "no device is tried more often than may be";
    pub(crate) const MEMORY: &str = "memory follows the disk";
    pub(crate) const SOUND: &str = "nothing fails but what was made to";
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) promise: &'static str,
    pub(crate) detail: String,
}

pub(crate) type Checked<T = ()> = Result<T, Violation>;

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}\n  {}", self.promise, self.detail)
    }
}

/// Nothing, or the violation of a promise.
pub(crate) fn hold(truth: bool, promise: &'static str, detail: impl FnOnce() -> String) -> Checked {
    if truth {
        return Ok(());
    }
    broken(promise, detail())
}

pub(crate) fn broken<T>(promise: &'static str, detail: impl Into<String>) -> Checked<T> {
    let detail = detail.into();
    Err(Violation { promise, detail })
}
