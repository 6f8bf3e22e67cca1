//! Deployment plans.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A plan to create. What is left out is taken from the environment and the defaults.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRequest {
    /// What people will call it.
    pub name: String,
    /// Why it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The version to deploy; it must have been uploaded.
    pub firmware_version: String,
    /// Where that version must have completed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_environment: Option<String>,
    /// Whose devices to update.
    pub target_environment: String,
    /// Which of them, by group; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_groups: Option<Vec<String>>,
    /// `blue_green`, `canary`, `rolling` or `immediate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Share of the matching devices to update at all, in percent (100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_percentage: Option<f64>,
    /// Share of the targets in a canary's first wave, in percent (10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_percentage: Option<f64>,
    /// Cumulative shares after it, in percent (25, 50, 100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_steps: Option<Vec<f64>>,
    /// Devices in one batch of a rolling rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u64>,
    /// Share of the targets in one batch of a rolling rollout, in percent (10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_percentage: Option<f64>,
    /// How long a wave is watched after its last device is through, in seconds (canary and blue-green
    /// 300, others 0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor_seconds: Option<u32>,
    /// When to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_criteria: Option<CriteriaRequest>,
    /// Go back by itself on a trip; halt and ask otherwise. The environment's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_rollback: Option<bool>,
    /// How long a device may take to come, and then to be through, in seconds (3600).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_timeout: Option<u32>,
    /// What becomes of devices that don't come: `late`, `skip` or `wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_policy: Option<String>,
    /// Not available in this version; a plan that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<serde_json::Value>,
    /// Not available in this version; a plan that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_gates: Option<serde_json::Value>,
}

/// When to stop a rollout.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CriteriaRequest {
    /// Most failures, in percent of a wave and of all released devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failure_rate: Option<f64>,
    /// Least share of a wave that must come for a verdict, in percent (50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_judged: Option<f64>,
    /// Not available in this version; a plan that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_failure: Option<bool>,
    /// Not available in this version; a plan that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance_degradation: Option<f64>,
    /// Not available in this version; a plan that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_reported_issues: Option<u32>,
}

/// A plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The plan's id.
    pub plan_id: String,
    /// `draft`, `pending_approval`, `approved`, `rejected`, `expired`, `executed` or `superseded`.
    pub status: String,
    /// What people call it.
    pub name: String,
    /// Why it exists.
    pub description: String,
    /// The version to deploy.
    pub firmware_version: String,
    /// Where that version must have completed before.
    pub source_environment: Option<String>,
    /// Whose devices are updated.
    pub target_environment: String,
    /// Which of them, by group; all when empty.
    pub device_groups: Vec<String>,
    /// The strategy.
    pub strategy: String,
    /// Share of the matching devices that is updated at all, in percent.
    pub rollout_percentage: f64,
    /// Share of the targets in a canary's first wave, in percent.
    pub canary_percentage: f64,
    /// Cumulative shares after it, in percent.
    pub canary_steps: Vec<f64>,
    /// Devices in one batch of a rolling rollout.
    pub batch_size: Option<u64>,
    /// Share of the targets in one batch of a rolling rollout, in percent.
    pub batch_percentage: f64,
    /// How long a wave is watched, in seconds.
    pub monitor_seconds: u32,
    /// When to stop.
    pub rollback_criteria: CriteriaRequest,
    /// Goes back by itself on a trip.
    pub auto_rollback: bool,
    /// How long a device may take, in seconds.
    pub device_timeout: u32,
    /// How long a device may take to go back, in seconds.
    pub rollback_timeout: u32,
    /// What becomes of devices that don't come.
    pub offline_policy: String,
    /// SHA-256 of the plan: what an approval is bound to.
    pub digest: String,
    /// The waves that the plan would make of the devices known now.
    pub waves: Vec<u64>,
    /// What its author should know.
    pub warnings: Vec<String>,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// When it was approved.
    pub approved_at: Option<String>,
    /// Who approved it; `policy` where the environment needs no approval.
    pub approved_by: Option<String>,
    /// What the approver said.
    pub comment: Option<String>,
}

/// An approval.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// A word on why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The plan's digest as the approver saw it; a plan that changed since is not approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}
