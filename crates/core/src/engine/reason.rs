//! Why a rollout waits for a person, or why its devices go back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::device::FailureKind;
use crate::ids::WaveIndex;
use crate::judge::Numbers;
use crate::seconds::Seconds;

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
        /// The kind of failure whose own limit it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
    },
    /// The firmware was withdrawn.
    FirmwareWithdrawn {
        /// Who withdrew it.
        by: String,
    },
    /// The plan wants a person to look after each wave.
    WavePassed {
        /// Which wave.
        wave: WaveIndex,
    },
    /// The devices so far speak against the update, and none is under way that could change that.
    Doubt {
        /// Which wave.
        wave: WaveIndex,
        /// What is known.
        numbers: Numbers,
    },
    /// Far more devices match than were approved.
    TargetsGrew {
        /// The most that may.
        approved: u64,
        /// How many do.
        matching: u64,
    },
    /// It took longer than the plan allows.
    OutOfTime {
        /// How long it may take.
        limit: Seconds,
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
        /// The kind of failure whose own limit it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<FailureKind>,
    },
    /// Too few devices came to tell, and the plan goes back then.
    Inconclusive {
        /// Which wave.
        wave: WaveIndex,
        /// What is known.
        numbers: Numbers,
    },
    /// Someone asked.
    Operator {
        /// Who.
        by: String,
    },
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
            Self::Inconclusive { wave, numbers } => too_few(f, *wave, numbers),
            Self::Tripped {
                scope,
                numbers,
                kind,
            } => too_many(f, *scope, numbers, *kind),
            Self::FirmwareWithdrawn { by } => write!(f, "the firmware was withdrawn by {by}"),
            Self::WavePassed { wave } => {
                write!(
                    f,
                    "{wave} passed, and the plan wants a person to look before the next"
                )
            }
            Self::Doubt { wave, numbers } => write!(
                f,
                "{wave} is in doubt and no device is under way that could settle it: {numbers}"
            ),
            Self::TargetsGrew { approved, matching } => write!(
                f,
                "{matching} devices match now, and the approval holds for {approved} at most"
            ),
            Self::OutOfTime { limit } => write!(f, "it took longer than the {limit} allowed"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailureRate {
                scope,
                numbers,
                kind,
            } => too_many(f, *scope, numbers, *kind),
            Self::Inconclusive { wave, numbers } => too_few(f, *wave, numbers),
            Self::Operator { by } => write!(f, "asked by {by}"),
        }
    }
}

fn too_few(f: &mut fmt::Formatter<'_>, wave: WaveIndex, numbers: &Numbers) -> fmt::Result {
    write!(f, "too little is known of {wave} to judge it: {numbers}")
}

fn too_many(
    f: &mut fmt::Formatter<'_>,
    scope: Scope,
    numbers: &Numbers,
    kind: Option<FailureKind>,
) -> fmt::Result {
    match kind {
        None => write!(f, "too many failures in {scope}: {numbers}"),
        Some(kind) => write!(
            f,
            "too many failures of one kind in {scope} ({kind}): {numbers}"
        ),
    }
}
