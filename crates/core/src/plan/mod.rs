//! What to deploy where and how, and the rules it must obey before anything happens.

mod check;
mod criteria;
mod life;
mod pace;
mod state;
mod strategy;

pub use check::PlanProblem;
pub use criteria::{FailureLimit, Judgement, OnInconclusive, OnPass, Retry, RollbackCriteria};
pub use life::{Counted, LifeRefusal, Opening, PlanLife, Review, Rules, covered};
pub use pace::{Counting, Factor, FailureDomain, Growth, NotAFactor, Pace, Rate};
pub use state::PlanState;
pub use strategy::{Canary, OfflinePolicy, Strategy};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Schedule};
use crate::device::FailureKind;
use crate::percent::Percent;
use crate::seconds::Seconds;

/// A plan, complete: what its author left out has been filled in from configuration and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What people call it.
    pub name: String,
    /// Why it exists.
    #[serde(default)]
    pub description: String,
    /// The version that devices are to run.
    pub firmware_version: String,
    /// Where that version has proved itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_environment: Option<String>,
    /// Whose devices are updated.
    pub target_environment: String,
    /// Which of them, by group; all when empty.
    #[serde(default)]
    pub device_groups: Vec<String>,
    /// How.
    pub strategy: Strategy,
    /// Share of the matching devices that is updated at all.
    pub rollout_percentage: Percent,
    /// Share of the targets in the first wave of a canary.
    pub canary_percentage: Percent,
    /// Shares reached by the waves after it, cumulative.
    pub canary_steps: Vec<Percent>,
    /// Devices in one batch of a rolling rollout; overrides the percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u64>,
    /// Share of the targets in one batch of a rolling rollout.
    pub batch_percentage: Percent,
    /// How long a wave is watched after its last device is through.
    pub monitor_seconds: Seconds,
    /// When to stop.
    pub rollback_criteria: RollbackCriteria,
    /// Go back by itself on a trip; halt and ask otherwise.
    pub auto_rollback: bool,
    /// How long a device may take: to come and fetch, and then to be through.
    pub device_timeout: Seconds,
    /// How long a device may take to go back.
    pub rollback_timeout: Seconds,
    /// What becomes of devices that don't come.
    pub offline_policy: OfflinePolicy,
    /// How fast it goes.
    #[serde(default, skip_serializing_if = "Pace::is_free")]
    pub pace: Pace,
    /// When devices may be released.
    #[serde(default)]
    pub calendar: Calendar,
    /// When it starts; at once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// What follows a wave that passed.
    #[serde(default)]
    pub on_pass: OnPass,
    /// What follows a wave that can't be judged.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
    /// How often devices that failed are offered the update again, by kind of failure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retries: BTreeMap<FailureKind, Retry>,
    /// Versions that a device must pass through on its way, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stepping_stones: Vec<String>,
    /// Devices that join the environment or the groups while it runs are updated too.
    #[serde(default)]
    pub dynamic: bool,
    /// How long the whole rollout may take before it halts and asks; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_timeout: Option<Seconds>,
    /// Most devices of the environment that may be updated but not proven at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<u64>,
    /// No device may go below this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_floor: Option<String>,
    /// It needs neither approval nor window; a review is owed.
    #[serde(default)]
    pub emergency: bool,
}

impl Plan {
    /// The waves' sizes for this many matching devices, `rollout_percentage` applied. No wave is larger
    /// than the blast radius: it could never be opened.
    #[must_use]
    pub fn waves(&self, matching: u64) -> Vec<u64> {
        let targets = self.rollout_percentage.of(matching);
        let most = self.blast_radius.unwrap_or(u64::MAX).max(1);
        let waves = self.strategy.waves(self, targets).into_iter();
        waves.flat_map(|size| cut(size, most)).collect()
    }
}

fn cut(size: u64, most: u64) -> impl Iterator<Item = u64> {
    let full = std::iter::repeat_n(most, usize::try_from(size / most).unwrap_or(usize::MAX));
    full.chain((!size.is_multiple_of(most)).then_some(size % most))
}

#[cfg(test)]
mod tests_support {
    use super::*;

    pub(super) fn plan(strategy: Strategy) -> Plan {
        Plan {
            name: "Rollout".into(),
            description: String::new(),
            firmware_version: "1.2.0".into(),
            source_environment: None,
            target_environment: "production".into(),
            device_groups: Vec::new(),
            strategy,
            rollout_percentage: Percent::HUNDRED,
            canary_percentage: Canary::PERCENTAGE,
            canary_steps: Canary::STEPS.to_vec(),
            batch_size: None,
            batch_percentage: Percent::whole(10),
            monitor_seconds: Seconds(0),
            rollback_criteria: RollbackCriteria::default(),
            auto_rollback: true,
            device_timeout: Seconds(3600),
            rollback_timeout: Seconds(1800),
            offline_policy: OfflinePolicy::Late,
            pace: Pace::default(),
            calendar: Calendar::default(),
            schedule: None,
            on_pass: OnPass::Continue,
            on_inconclusive: OnInconclusive::Pause,
            retries: BTreeMap::new(),
            stepping_stones: Vec::new(),
            dynamic: false,
            deployment_timeout: None,
            blast_radius: None,
            security_floor: None,
            emergency: false,
        }
    }
}
