//! What to deploy where and how, and the rules it must obey before anything happens.

mod check;
mod state;
mod strategy;

pub use check::PlanProblem;
pub use state::PlanState;
pub use strategy::{Canary, OfflinePolicy, Strategy};

use serde::{Deserialize, Serialize};

use crate::percent::Percent;
use crate::seconds::Seconds;

/// When a rollout is stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackCriteria {
    /// Most failures, in percent of a wave and of all released devices; nothing trips when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failure_rate: Option<Percent>,
    /// Least share of a wave that must have come to fetch the update for a verdict.
    #[serde(default = "half")]
    pub min_judged: Percent,
    /// A failed health check trips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_failure: Option<bool>,
    /// Largest drop of a device metric, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance_degradation: Option<Percent>,
    /// Most issues reported by users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_reported_issues: Option<u32>,
}

fn half() -> Percent {
    Percent::whole(50)
}

impl Default for RollbackCriteria {
    fn default() -> Self {
        Self {
            max_failure_rate: None,
            min_judged: half(),
            health_check_failure: None,
            performance_degradation: None,
            user_reported_issues: None,
        }
    }
}

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
}

impl Plan {
    /// The waves' sizes for this many matching devices, `rollout_percentage` applied.
    #[must_use]
    pub fn waves(&self, matching: u64) -> Vec<u64> {
        let targets = self.rollout_percentage.of(matching);
        self.strategy.waves(self, targets)
    }
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
        }
    }
}
