//! The part of a plan that the engine obeys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::device::FailureKind;
use crate::judge::Boundary;
use crate::percent::Percent;
use crate::plan::{
    FailureLimit, Judgement, OfflinePolicy, OnInconclusive, OnPass, Pace, Plan, Retry,
};
use crate::seconds::Seconds;

/// The part of a plan that the engine obeys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Most failures before a trip.
    pub max_failure_rate: Option<Percent>,
    /// The lines of the sequential test, where the plan judges by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Boundary>,
    /// Limits of single kinds of failure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failure_limits: BTreeMap<FailureKind, FailureLimit>,
    /// Least share of a wave that must be judged.
    pub min_judged: Percent,
    /// Go back by itself on a trip.
    pub auto_rollback: bool,
    /// What follows a wave that passed.
    #[serde(default)]
    pub on_pass: OnPass,
    /// What follows a wave that can't be judged.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
    /// Devices fill a slot first and switch later.
    #[serde(default)]
    pub staged: bool,
    /// How fast it goes.
    #[serde(default)]
    pub pace: Pace,
    /// When devices may be released.
    #[serde(default)]
    pub calendar: Calendar,
    /// Most devices of the environment that may be updated but not proven at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<u64>,
    /// How often devices that failed are offered the update again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retries: BTreeMap<FailureKind, Retry>,
    /// Devices that join while it runs are updated too.
    #[serde(default)]
    pub dynamic: bool,
    /// It needs no window.
    #[serde(default)]
    pub emergency: bool,
    /// How long a wave is watched after its last device is through.
    pub monitor: Seconds,
    /// How long a device may take.
    pub device_timeout: Seconds,
    /// How long going back may take.
    pub rollback_timeout: Seconds,
    /// How long the whole rollout may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_timeout: Option<Seconds>,
    /// What becomes of devices that don't come.
    pub offline_policy: OfflinePolicy,
    /// No device goes back below this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_floor: Option<String>,
}

impl Order {
    /// What `plan` asks for.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let criteria = &plan.rollback_criteria;
        let boundary = match criteria.judgement {
            Judgement::Threshold => None,
            Judgement::Sequential => criteria.boundary(),
        };
        Self {
            max_failure_rate: criteria.max_failure_rate,
            boundary,
            failure_limits: criteria.failure_limits.clone(),
            min_judged: criteria.min_judged,
            auto_rollback: plan.auto_rollback,
            on_pass: plan.on_pass,
            on_inconclusive: plan.on_inconclusive,
            staged: plan.strategy.stages(),
            pace: plan.pace.clone(),
            calendar: plan.calendar.clone(),
            blast_radius: plan.blast_radius,
            retries: plan.retries.clone(),
            dynamic: plan.dynamic,
            emergency: plan.emergency,
            monitor: plan.monitor_seconds,
            device_timeout: plan.device_timeout,
            rollback_timeout: plan.rollback_timeout,
            deployment_timeout: plan.deployment_timeout,
            offline_policy: plan.offline_policy,
            security_floor: plan.security_floor.clone(),
        }
    }
}
