//! Where a rollout stands.

use serde::{Deserialize, Serialize};

use super::reason::{Cause, HaltReason};
use crate::Timestamp;
use crate::ids::WaveIndex;

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Not started.
    Queued,
    /// About to open a wave.
    Releasing {
        /// Which.
        wave: WaveIndex,
    },
    /// The wave's devices fill their inactive slot.
    Staging {
        /// Which.
        wave: WaveIndex,
    },
    /// Every slot is filled; about to switch.
    Verifying {
        /// Which.
        wave: WaveIndex,
    },
    /// The wave's devices update and are watched.
    Observing {
        /// Which.
        wave: WaveIndex,
    },
    /// Nothing further is released until someone decides.
    Halted {
        /// Why.
        reason: HaltReason,
        /// Since when.
        at: Timestamp,
        /// Where it goes on.
        resume: Position,
    },
    /// Devices that took the update go back.
    RollingBack {
        /// Why.
        cause: Cause,
        /// Since when.
        at: Timestamp,
        /// How far it has got.
        #[serde(default)]
        way: WayBack,
    },
    /// Devices under way finish or stop; nobody goes back.
    Cancelling {
        /// Who asked.
        by: String,
        /// Since when.
        at: Timestamp,
    },
    /// Over.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// Why devices went back, where they did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
        /// When.
        at: Timestamp,
    },
}

/// How far a rollback has got. A large one goes in portions, so that a way back that harms devices is
/// noticed on a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WayBack {
    /// Portions that were told to go back.
    pub portions: u32,
    /// When the last of them was.
    pub told_at: Option<Timestamp>,
    /// Too many of them failed: the others wait for a person.
    pub held: bool,
    /// A person wants everybody back, whatever became of the first.
    pub all_at_once: bool,
}

/// A place on the way forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Position {
    /// Before the start.
    Queued,
    /// About to open the wave.
    Releasing {
        /// Which.
        wave: WaveIndex,
    },
    /// Filling slots.
    Staging {
        /// Which.
        wave: WaveIndex,
    },
    /// About to switch.
    Verifying {
        /// Which.
        wave: WaveIndex,
    },
    /// Watching the wave.
    Observing {
        /// Which.
        wave: WaveIndex,
    },
}

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every wave passed.
    Succeeded,
    /// Every device that took the update went back.
    RolledBack,
    /// Some devices did not go back; they are named.
    RollbackIncomplete,
    /// Someone called it off; devices that had taken the update keep it.
    Cancelled,
    /// When its time came, no device would have been updated.
    NoDevices,
}

impl Phase {
    /// Whether the rollout is over.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self, Self::Finished { .. })
    }

    /// Devices go back or stop, or have done so.
    pub(super) const fn is_going_back(&self) -> bool {
        matches!(
            self,
            Self::RollingBack { .. }
                | Self::Cancelling { .. }
                | Self::Finished {
                    outcome: Outcome::RolledBack
                        | Outcome::RollbackIncomplete
                        | Outcome::Cancelled
                        | Outcome::NoDevices,
                    ..
                }
        )
    }

    /// The place on the way forward, where the rollout is on it.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Queued => Some(Position::Queued),
            Self::Releasing { wave } => Some(Position::Releasing { wave: *wave }),
            Self::Staging { wave } => Some(Position::Staging { wave: *wave }),
            Self::Verifying { wave } => Some(Position::Verifying { wave: *wave }),
            Self::Observing { wave } => Some(Position::Observing { wave: *wave }),
            Self::Halted { resume, .. } => Some(*resume),
            Self::RollingBack { .. } | Self::Cancelling { .. } | Self::Finished { .. } => None,
        }
    }

    /// The phase's name in the API and on the command line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Releasing { .. } => "releasing",
            Self::Staging { .. } => "staging",
            Self::Verifying { .. } => "verifying",
            Self::Observing { .. } => "observing",
            Self::Halted {
                reason: HaltReason::Paused { .. },
                ..
            } => "paused",
            Self::Halted { .. } => "halted",
            Self::RollingBack { .. } => "rolling_back",
            Self::Cancelling { .. } => "cancelling",
            Self::Finished { outcome, .. } => outcome.name(),
        }
    }
}

impl Position {
    /// The wave that it is about.
    #[must_use]
    pub const fn wave(self) -> Option<WaveIndex> {
        match self {
            Self::Queued => None,
            Self::Releasing { wave }
            | Self::Staging { wave }
            | Self::Verifying { wave }
            | Self::Observing { wave } => Some(wave),
        }
    }
}

impl Outcome {
    /// The outcome's name everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled_back",
            Self::RollbackIncomplete => "rollback_incomplete",
            Self::Cancelled => "cancelled",
            Self::NoDevices => "no_devices",
        }
    }
}

impl From<Position> for Phase {
    fn from(position: Position) -> Self {
        match position {
            Position::Queued => Self::Queued,
            Position::Releasing { wave } => Self::Releasing { wave },
            Position::Staging { wave } => Self::Staging { wave },
            Position::Verifying { wave } => Self::Verifying { wave },
            Position::Observing { wave } => Self::Observing { wave },
        }
    }
}
