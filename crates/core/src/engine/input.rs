//! What can happen to a rollout, and why a command can be refused.

use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time passed or counts moved: look again.
    Tick,
    /// A person decided something.
    Operator {
        /// What.
        command: Command,
        /// Who.
        by: String,
    },
    /// The devices were chosen.
    Chosen {
        /// The waves' sizes, in order; empty when no device would be updated.
        waves: Vec<u64>,
        /// How many devices match the plan, those included that are left out for now.
        matching: u64,
    },
    /// The version that is being rolled out was withdrawn.
    FirmwareWithdrawn {
        /// Who withdrew it.
        by: String,
    },
}

/// What a person can ask of a rollout. Each is safe to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Release nothing further.
    Pause,
    /// Go on; where the rollout waits on a verdict, accept what is known.
    Resume,
    /// Call it off; devices that took the update keep it.
    Cancel,
    /// Bring every device that took the update back.
    Rollback,
}

/// Why a command changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The rollout is over.
    #[error("the execution is over ({0}): create a new plan to change the devices again")]
    Finished(&'static str),
    /// Devices are going back.
    #[error(
        "the execution is being rolled back, which can't be stopped half-way: wait for its end"
    )]
    RollingBack,
    /// It is being called off.
    #[error("the execution is being cancelled: wait for its end, or roll it back")]
    Cancelling,
    /// Its firmware is gone.
    #[error(
        "the firmware was withdrawn and can't be deployed: cancel the execution or roll it back"
    )]
    FirmwareWithdrawn,
}
