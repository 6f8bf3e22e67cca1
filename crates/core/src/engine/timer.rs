//! When a rollout must be looked at again though nothing happens to it.

use super::{Census, Phase, Rollout};
use crate::Timestamp;

/// What a wake-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A step is due at once.
    Due,
    /// Some device reaches its deadline.
    DeviceDeadline,
    /// The wave has been watched long enough.
    WatchOver,
}

impl Rollout {
    /// The next moment at which [`Self::handle`] would do something by itself, and why; none when only
    /// an input can move it.
    #[must_use]
    pub fn next_wakeup(&self, census: &Census) -> Option<(Timestamp, Timer)> {
        let deadline = census
            .earliest_deadline
            .map(|at| (at, Timer::DeviceDeadline));
        let own = match &self.phase {
            Phase::Queued | Phase::Releasing { .. } | Phase::Verifying { .. } => {
                Some((Timestamp::MIN, Timer::Due))
            }
            Phase::Observing { wave } => self.waves[wave.position()]
                .settled_at
                .map(|settled| (self.order.monitor.after(settled), Timer::WatchOver)),
            Phase::Staging { .. }
            | Phase::Halted { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
        };
        [deadline, own]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }
}
