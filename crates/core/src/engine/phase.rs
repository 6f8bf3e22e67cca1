//! Where a rollout stands, and why it waits or ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::WaveIndex;
use crate::judge::Numbers;

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

/// Why a rollout waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum HaltReason {
    /// Someone paused it.
    Paused {
        /// Who.
        by: String,
    },
    /// Too few devices came to tell whether the wave is good.
    Inconclusive {
        /// Which wave.
        wave: WaveIndex,
        /// What is known.
        numbers: Numbers,
    },
    /// It tripped, and the plan says not to go back by itself.
    Tripped {
        /// What tripped.
        scope: Scope,
        /// On what numbers.
        numbers: Numbers,
    },
    /// The firmware was withdrawn.
    FirmwareWithdrawn {
        /// Who withdrew it.
        by: String,
    },
}

/// The set of devices that a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum Scope {
    /// One wave.
    Wave {
        /// Which.
        wave: WaveIndex,
    },
    /// Every device released so far.
    Released,
}

/// Why devices go back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// Too many failures.
    FailureRate {
        /// What tripped.
        scope: Scope,
        /// On what numbers.
        numbers: Numbers,
    },
    /// Someone asked.
    Operator {
        /// Who.
        by: String,
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
}

impl Phase {
    /// Whether the rollout is over.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self, Self::Finished { .. })
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

impl Outcome {
    /// The outcome's name everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::RolledBack => "rolled_back",
            Self::RollbackIncomplete => "rollback_incomplete",
            Self::Cancelled => "cancelled",
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

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wave { wave } => wave.fmt(f),
            Self::Released => f.write_str("all released devices"),
        }
    }
}

impl fmt::Display for HaltReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused { by } => write!(f, "paused by {by}"),
            Self::Inconclusive { wave, numbers } => {
                write!(f, "too few devices of {wave} came to judge it: {numbers}")
            }
            Self::Tripped { scope, numbers } => {
                write!(f, "too many failures in {scope}: {numbers}")
            }
            Self::FirmwareWithdrawn { by } => write!(f, "the firmware was withdrawn by {by}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailureRate { scope, numbers } => {
                write!(f, "too many failures in {scope}: {numbers}")
            }
            Self::Operator { by } => write!(f, "asked by {by}"),
        }
    }
}
