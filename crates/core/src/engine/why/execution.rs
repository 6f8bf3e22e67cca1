//! Why an execution does not go further now, or why it stopped.

use std::fmt;

use serde::Serialize;

use crate::Timestamp;
use crate::device::DeviceStatus;
use crate::engine::rollback::to_recall;
use crate::engine::{
    Cause, Census, HaltReason, Hold, Outcome, Phase, Position, Rollout, Surroundings,
};
use crate::ids::WaveIndex;
use crate::judge::Numbers;

/// Why an execution does not go further now, or why it stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// Nothing holds it: the next step is due.
    Due,
    /// Something keeps the update from the next devices; time or others lift it.
    Held(Hold),
    /// Devices of the wave are not through.
    Waiting {
        /// Which wave.
        wave: WaveIndex,
        /// What is known of it.
        numbers: Numbers,
    },
    /// The wave is through and is watched.
    Watching {
        /// Which wave.
        wave: WaveIndex,
        /// What is known of it.
        numbers: Numbers,
        /// Until when.
        until: Timestamp,
    },
    /// Every wave has its verdict; the last devices of some are not through.
    LastDevices {
        /// How many.
        open: u64,
    },
    /// It waits for a person.
    Halted(HaltReason),
    /// Devices go back.
    RollingBack {
        /// Why.
        cause: Cause,
        /// Devices that are yet to be told.
        waiting: u64,
        /// Devices that were told and have not answered.
        going: u64,
        /// Devices that are still taking the update, and were asked to stop.
        stopping: u64,
        /// Too many could not go back: the others wait for a person.
        held: bool,
    },
    /// It was called off; devices under way finish or stop.
    Cancelling {
        /// Who asked.
        by: String,
        /// Devices that are not through.
        under_way: u64,
    },
    /// It is over.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// Why devices went back, where they did.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
}

impl Rollout {
    /// Why it does not go further now, or why it stopped.
    #[must_use]
    pub fn why(&self, census: &Census, around: &Surroundings, now: Timestamp) -> Why {
        match &self.phase {
            Phase::Halted { reason, .. } => Why::Halted(reason.clone()),
            Phase::RollingBack { cause, way, .. } => Why::RollingBack {
                cause: cause.clone(),
                waiting: to_recall(census),
                going: census.count(DeviceStatus::RollingBack),
                stopping: census.in_flight(),
                held: way.held,
            },
            Phase::Cancelling { by, .. } => Why::Cancelling {
                by: by.clone(),
                under_way: census.in_flight(),
            },
            Phase::Finished { outcome, cause, .. } => Why::Finished {
                outcome: *outcome,
                cause: cause.clone(),
            },
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Observing { .. } => match self.hold_of_waves(census, around, now) {
                Some(hold) => Why::Held(hold),
                None => self.waits_for(census),
            },
        }
    }

    /// What a rollout waits for that nothing holds up.
    fn waits_for(&self, census: &Census) -> Why {
        let wave = match self.phase.position() {
            Some(Position::Staging { wave } | Position::Observing { wave }) => wave,
            Some(Position::Queued | Position::Releasing { .. } | Position::Verifying { .. })
            | None => return Why::Due,
        };
        let this = &self.waves[wave.position()];
        let numbers = self.numbers(wave, census);
        if this.is_behind() {
            let open = census.waves.iter().map(|tally| tally.open()).sum();
            return Why::LastDevices { open };
        }
        match this.settled_at {
            Some(settled) => Why::Watching {
                wave,
                numbers,
                until: self.order.monitor.after(settled),
            },
            None => Why::Waiting { wave, numbers },
        }
    }
}

impl Why {
    /// The answer's name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Held(_) => "held",
            Self::Waiting { .. } => "waiting",
            Self::Watching { .. } => "watching",
            Self::LastDevices { .. } => "last_devices",
            Self::Halted(_) => "halted",
            Self::RollingBack { .. } => "rolling_back",
            Self::Cancelling { .. } => "cancelling",
            Self::Finished { .. } => "finished",
        }
    }

    /// What would change it; none when all goes its way.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Held(hold) => Some(hold.remedy()),
            Self::Halted(reason) => Some(reason.remedy().to_owned()),
            Self::RollingBack { held: true, .. } => Some(
                "find out why devices could not go back; roll back again to tell the others all the same"
                    .into(),
            ),
            Self::Finished { outcome, .. } => outcome.remedy().map(str::to_owned),
            Self::Due
            | Self::Waiting { .. }
            | Self::Watching { .. }
            | Self::LastDevices { .. }
            | Self::RollingBack { held: false, .. }
            | Self::Cancelling { .. } => None,
        }
    }
}

impl HaltReason {
    /// What a person can do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Paused { .. } => "resume it to go on, cancel it, or roll it back",
            Self::Inconclusive { .. } => "resume it to accept the wave as it is, or roll it back",
            Self::Tripped { .. } => {
                "roll it back, or resume it to accept the failures known so far"
            }
            Self::FirmwareWithdrawn { .. } => "cancel it, or roll it back",
            Self::WavePassed { .. } => "look at the wave and resume it, or roll it back",
            Self::Doubt { .. } => {
                "look at the devices that failed; roll it back, or resume it to accept their failures"
            }
            Self::TargetsGrew { .. } => {
                "resume it to update all of them, or cancel it and have the plan approved again"
            }
            Self::OutOfTime { .. } => {
                "resume it to give it as much time again, cancel it, or roll it back"
            }
        }
    }
}

impl Outcome {
    /// What can be done after such an end; none after a good one.
    #[must_use]
    pub const fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Succeeded => None,
            Self::RolledBack => Some("mend the firmware and make a new plan"),
            Self::RollbackIncomplete => {
                Some("bring the devices back by hand that did not go back, and mend the firmware")
            }
            Self::Cancelled => Some("make a new plan to update the devices that are left"),
            Self::NoDevices => {
                Some("look at what the plan matches: no device needed the update when it started")
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due => f.write_str("nothing holds it: the next step is due"),
            Self::Held(hold) => hold.fmt(f),
            Self::Waiting { wave, numbers } => {
                write!(f, "devices of {wave} are not through: {numbers}")
            }
            Self::Watching {
                wave,
                numbers,
                until,
            } => write!(
                f,
                "{wave} is through and is watched until {until}: {numbers}"
            ),
            Self::LastDevices { open: 1 } => {
                f.write_str("every wave has its verdict; 1 device is not through")
            }
            Self::LastDevices { open } => {
                write!(
                    f,
                    "every wave has its verdict; {open} devices are not through"
                )
            }
            Self::Halted(reason) => write!(f, "waiting for an operator: {reason}"),
            Self::RollingBack {
                cause, held: true, ..
            } => write!(
                f,
                "going back is held, too many devices could not ({cause})"
            ),
            Self::RollingBack {
                cause,
                waiting,
                going,
                stopping,
                held: false,
            } => write!(
                f,
                "devices go back ({cause}): {waiting} are yet to be told, {going} have not answered, {stopping} were asked to stop"
            ),
            Self::Cancelling { by, under_way } => {
                write!(
                    f,
                    "cancelled by {by}; devices that are not through: {under_way}"
                )
            }
            Self::Finished { outcome, cause } => {
                write!(f, "finished: {}", outcome.name())?;
                match cause {
                    Some(cause) => write!(f, " ({cause})"),
                    None => Ok(()),
                }
            }
        }
    }
}
