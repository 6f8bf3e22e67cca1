//! What holds outside an execution.

use super::hold::{Freeze, Queue};
use crate::Timestamp;

/// What holds outside an execution and bears on it. It is read in the transaction that decides, like
/// the counts.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The freeze in force, unless this execution may override it.
    pub freeze: Option<Freeze>,
    /// Its place in the queue; none when there is room for it.
    pub queue: Option<Queue>,
    /// Devices of the environment that other executions exposed and have not proven.
    pub unproven_elsewhere: u64,
}

impl Surroundings {
    /// The freeze, unless it has ended by itself since it was read.
    pub(super) fn freeze_in_force(&self, now: Timestamp) -> Option<&Freeze> {
        let freeze = self.freeze.as_ref();
        freeze.filter(|freeze| freeze.until.is_none_or(|until| until > now))
    }
}
