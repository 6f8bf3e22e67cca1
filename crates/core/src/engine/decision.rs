//! What was decided, with the numbers it rests on. Stored for ever and read by people: the text of a
//! decision is what API, command line and web page show.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cause, HaltReason, Outcome, Scope};
use crate::device::FailureKind;
use crate::ids::WaveIndex;
use crate::judge::Numbers;
use crate::percent::Percent;
use crate::plan::FailureLimit;

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are what the text of the decision says"
)]
pub enum Decision {
    /// The rollout began.
    Started { devices: u64, waves: u64 },
    /// A wave was opened.
    Released { wave: WaveIndex, devices: u64 },
    /// A wave's devices were told to fill their inactive slot.
    Staged { wave: WaveIndex, devices: u64 },
    /// The slots are filled.
    SlotsFilled {
        wave: WaveIndex,
        numbers: Numbers,
        held_back: u64,
    },
    /// The wave's devices were told to switch.
    Switched { wave: WaveIndex, devices: u64 },
    /// Every device of the wave is through; it is watched.
    Settled { wave: WaveIndex, numbers: Numbers },
    /// The wave is good.
    Passed { wave: WaveIndex, numbers: Numbers },
    /// Too many failures.
    Tripped {
        scope: Scope,
        numbers: Numbers,
        limit: Option<Percent>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<Rule>,
    },
    /// It waits for a person.
    Halted { reason: HaltReason },
    /// A person let it go on.
    Resumed { by: String },
    /// A person let it go on past a wave that could not be judged.
    Accepted {
        wave: WaveIndex,
        numbers: Numbers,
        by: String,
    },
    /// The wave can't be judged, and the plan goes on then.
    CarriedOn { wave: WaveIndex, numbers: Numbers },
    /// Too many devices that came late or joined failed: no further one of them gets it.
    StragglersStopped { numbers: Numbers },
    /// A person called it off.
    CancelStarted { by: String },
    /// Devices go back.
    RollbackStarted { cause: Cause, devices: u64 },
    /// More devices that took the update go back.
    Recalled { devices: u64 },
    /// Too many of the first devices that were to go back could not.
    RollbackHeld { rolled_back: u64, failed: u64 },
    /// A person wants everybody back all the same.
    RollbackForced { by: String },
    /// Every device that had to go back did, or is named.
    RollbackFinished { rolled_back: u64, failed: u64 },
    /// It is over.
    Finished { outcome: Outcome },
}

/// The rule that tripped, where it is not the plain limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are what the text of the rule says")]
pub enum Rule {
    /// The evidence is significant.
    Sequential {
        failures: u64,
        devices: u64,
        rolls_back_through: Option<u64>,
        limit: Percent,
    },
    /// One kind of failure has a limit of its own.
    Kind {
        kind: FailureKind,
        count: u64,
        limit: FailureLimit,
    },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequential {
                failures,
                devices,
                rolls_back_through: Some(through),
                limit,
            } => write!(
                f,
                "{failures} failures in the first {devices}: {failures} within {through} speak \
                 against {limit}"
            ),
            Self::Sequential {
                failures,
                devices,
                rolls_back_through: None,
                limit,
            } => write!(
                f,
                "{failures} failures in the first {devices} speak against {limit}"
            ),
            Self::Kind { kind, count, limit } => write!(
                f,
                "{count} of them so: {kind}, more than the {} allowed",
                limit.max_rate
            ),
        }
    }
}

impl Decision {
    /// The decision's name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Released { .. } => "released",
            Self::Staged { .. } => "staged",
            Self::SlotsFilled { .. } => "slots_filled",
            Self::Switched { .. } => "switched",
            Self::Settled { .. } => "settled",
            Self::Passed { .. } => "passed",
            Self::Tripped { .. } => "tripped",
            Self::Halted { .. } => "halted",
            Self::Resumed { .. } => "resumed",
            Self::Accepted { .. } => "accepted",
            Self::CarriedOn { .. } => "carried_on",
            Self::StragglersStopped { .. } => "stragglers_stopped",
            Self::CancelStarted { .. } => "cancel_started",
            Self::RollbackStarted { .. } => "rollback_started",
            Self::Recalled { .. } => "recalled",
            Self::RollbackHeld { .. } => "rollback_held",
            Self::RollbackForced { .. } => "rollback_forced",
            Self::RollbackFinished { .. } => "rollback_finished",
            Self::Finished { .. } => "finished",
        }
    }
}

/// A number of things, in words.
struct Of(u64, &'static str);

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        let plural = if *number == 1 { "" } else { "s" };
        write!(f, "{number} {thing}{plural}")
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |devices: &u64| Of(*devices, "device");
        match self {
            Self::Started { devices, waves } => {
                write!(f, "started: {} in {}", of(devices), Of(*waves, "wave"))
            }
            Self::Released { wave, devices } => write!(f, "{wave} released to {}", of(devices)),
            Self::Staged { wave, devices } => {
                write!(f, "{wave}: {} to fill the inactive slot", of(devices))
            }
            Self::SlotsFilled {
                wave,
                numbers,
                held_back: 0,
            } => {
                write!(f, "{wave}: slots filled, {numbers}")
            }
            Self::SlotsFilled {
                wave,
                numbers,
                held_back,
            } => {
                write!(
                    f,
                    "{wave}: slots filled, {numbers}; {held_back} held back until the switch"
                )
            }
            Self::Switched { wave, devices } => write!(f, "{wave}: {} told to switch", of(devices)),
            Self::Settled { wave, numbers } => write!(f, "{wave} is through: {numbers}"),
            Self::Passed { wave, numbers } => write!(f, "{wave} passed: {numbers}"),
            Self::Tripped {
                scope,
                numbers,
                limit,
                rule,
            } => tripped(f, scope, numbers, limit.as_ref(), rule.as_ref()),
            Self::Halted { reason } => write!(f, "waiting for an operator: {reason}"),
            Self::Resumed { by } => write!(f, "resumed by {by}"),
            Self::Accepted { wave, numbers, by } => {
                write!(f, "{wave} accepted by {by} as it is: {numbers}")
            }
            Self::CarriedOn { wave, numbers } => {
                write!(f, "{wave} can't be judged and is gone past: {numbers}")
            }
            Self::StragglersStopped { numbers } => write!(
                f,
                "devices that came late get it no longer, too many of them failed: {numbers}"
            ),
            Self::CancelStarted { by } => write!(f, "cancelled by {by}"),
            Self::RollbackStarted { cause, devices } => {
                write!(f, "rolling back {}: {cause}", of(devices))
            }
            Self::Recalled { devices } => {
                write!(f, "rolling back {} more that took the update", of(devices))
            }
            Self::RollbackHeld {
                rolled_back,
                failed,
            } => write!(
                f,
                "going back is held: {failed} of the first {} devices could not; roll back again to \
                 tell the others all the same",
                rolled_back + failed
            ),
            Self::RollbackForced { by } => {
                write!(f, "{by} tells all devices to go back all the same")
            }
            Self::RollbackFinished {
                rolled_back,
                failed,
            } => back(f, *rolled_back, *failed),
            Self::Finished { outcome } => write!(f, "finished: {}", outcome.name()),
        }
    }
}

fn tripped(
    f: &mut fmt::Formatter<'_>,
    scope: &Scope,
    numbers: &Numbers,
    limit: Option<&Percent>,
    rule: Option<&Rule>,
) -> fmt::Result {
    write!(f, "stopped: {scope} has {numbers}")?;
    match (rule, limit) {
        (Some(rule), _) => write!(f, ", {rule}"),
        (None, Some(limit)) => write!(f, ", more than the {limit} allowed"),
        (None, None) => Ok(()),
    }
}

fn back(f: &mut fmt::Formatter<'_>, rolled_back: u64, failed: u64) -> fmt::Result {
    let verb = if rolled_back == 1 { "is" } else { "are" };
    write!(
        f,
        "{} {verb} back on the version they had",
        Of(rolled_back, "device")
    )?;
    match failed {
        0 => Ok(()),
        1 => write!(f, ", 1 is not and needs a person"),
        n => write!(f, ", {n} are not and need a person"),
    }
}
