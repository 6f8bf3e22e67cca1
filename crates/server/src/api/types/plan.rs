//! Deployment plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pace::{FailureDomainView, RateRequest, RateView};

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
    /// Which of them, by group; those of the environment when left out or empty, and all where it names none.
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
    /// How long a device may take to go back, in seconds. The environment's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_timeout: Option<u32>,
    /// How long the whole rollout may take before it halts and asks, in seconds. That of the configuration when left
    /// out; for ever where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_timeout: Option<u32>,
    /// Most devices that were offered the update and are not through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
    /// Most offers in any minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateRequest>,
    /// Most devices of one place at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_domain: Option<FailureDomainView>,
    /// What follows a wave that passed: `continue` or `pause` (`continue`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_pass: Option<String>,
    /// What follows a wave that can't be judged: `pause`, `continue` or `rollback` (`pause`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_inconclusive: Option<String>,
    /// How often devices that failed are offered the update again, by kind of failure: `install_failed`,
    /// `rolled_back_on_device`, `updated_then_silent` or `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<BTreeMap<String, RetryView>>,
    /// Versions that a device must pass through on its way, oldest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stepping_stones: Option<Vec<String>>,
    /// Devices that join the environment or the groups while it runs are updated too (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<bool>,
    /// When to start: `{"at": "2030-01-31T02:00:00Z"}`, or `{"cron": "0 2 * * MON", "timezone": "Europe/Berlin"}`; a
    /// text alone is a time, or a cron expression in UTC. At once, when it is executed, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<serde_json::Value>,
    /// Not available in this version; a plan that sets it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_gates: Option<serde_json::Value>,
    /// It is not put to the approvers yet (false; a draft that is edited stays one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// It waits for no approval and no window; takes a right of its own, and a review is owed (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<bool>,
    /// Why it can't wait; needed with `emergency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_reason: Option<String>,
}

/// When to stop a rollout.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CriteriaRequest {
    /// Most failures, in percent of a wave and of all released devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failure_rate: Option<f64>,
    /// How that limit is applied: `threshold`, when a wave is certain to be over it, or `sequential` (also
    /// `statistical`), when the evidence is significant (`threshold`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<String>,
    /// Limits of single kinds of failure, beside the limit of all: `install_failed`, `rolled_back_on_device`,
    /// `updated_then_silent`, `timed_out` or `never_contacted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_limits: Option<BTreeMap<String, FailureLimitView>>,
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

/// A limit on one kind of failure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureLimitView {
    /// Most devices that may fail so, in percent of a wave.
    pub max_rate: f64,
    /// It takes at least this many to trip (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_count: Option<u64>,
}

/// How often a device that failed is offered the update again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryView {
    /// Most further attempts.
    pub times: u32,
    /// Time until the first of them, in seconds; each later one waits twice as long (300).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<u32>,
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
    /// How long the whole rollout may take before it halts and asks, in seconds; for ever when absent.
    pub deployment_timeout: Option<u32>,
    /// Most devices that were offered the update and are not through; no limit when absent.
    pub max_in_flight: Option<u64>,
    /// Most offers in any minute; no limit when absent.
    pub rate: Option<RateView>,
    /// Most devices of one place at once; no limit when absent.
    pub failure_domain: Option<FailureDomainView>,
    /// What follows a wave that passed: `continue` or `pause`.
    pub on_pass: String,
    /// What follows a wave that can't be judged: `pause`, `continue` or `rollback`.
    pub on_inconclusive: String,
    /// How often devices that failed are offered the update again, by kind of failure.
    pub retries: BTreeMap<String, RetryView>,
    /// Versions that a device must pass through on its way, oldest first.
    pub stepping_stones: Vec<String>,
    /// Devices that join the environment or the groups while it runs are updated too.
    pub dynamic: bool,
    /// Most devices of the environment that may be updated but not proven at once; no limit when absent.
    pub blast_radius: Option<u64>,
    /// No device may go below this version; no floor when absent.
    pub security_floor: Option<String>,
    /// When it starts: an object with `at`, or with `cron` and `timezone`; when it is executed, if absent.
    pub schedule: Option<serde_json::Value>,
    /// When devices may be released: an object with `windows`, each with `start_time`, `end_time`, `days` and
    /// `timezone`, and `window_timezone`; at any time, if absent.
    #[serde(default)]
    pub calendar: Option<serde_json::Value>,
    /// SHA-256 of the plan, the image behind its version and the revision: what an approval is bound to.
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
    /// Who approved it, last; `policy` where the environment needs no approval, `emergency` where nobody could wait.
    pub approved_by: Option<String>,
    /// What was said by whoever settled it.
    pub comment: Option<String>,
    /// The revision, from 1.
    #[serde(default)]
    pub revision: u32,
    /// It waits for no approval and no window.
    #[serde(default)]
    pub emergency: bool,
    /// What was said of this revision.
    #[serde(default)]
    pub approvals: Vec<ApprovalView>,
    /// Number of people who must approve it.
    #[serde(default)]
    pub approvals_required: u32,
    /// How many of them have not.
    #[serde(default)]
    pub approvals_missing: u32,
    /// How many devices matched when it was approved.
    #[serde(default)]
    pub approved_devices: Option<u64>,
    /// When it expires, unless it is executed before.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// `none`, or, for emergency plans, `owed` and then `done`.
    #[serde(default)]
    pub review: String,
}

/// What somebody said of a revision.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    /// Who; `policy` or `emergency` where nobody was asked.
    pub by: String,
    /// When.
    pub at: String,
    /// `approved`, `rejected` or `reviewed`.
    pub verdict: String,
    /// Why.
    pub comment: Option<String>,
    /// The digest of what they saw.
    pub digest: String,
}

/// One revision of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevisionView {
    /// Its number, from 1.
    pub revision: u32,
    /// As of a plan; `superseded` for all but the newest.
    pub status: String,
    /// Its digest.
    pub digest: String,
    /// When it was written, RFC 3339.
    pub created_at: String,
    /// Who wrote it.
    pub created_by: String,
    /// What was said of it.
    pub approvals: Vec<ApprovalView>,
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

/// A refusal.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectRequest {
    /// Why; the author reads it.
    pub reason: String,
    /// The plan's digest as it was seen; a plan that changed since is not rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A review of an emergency plan.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// What came of it.
    pub comment: String,
}
