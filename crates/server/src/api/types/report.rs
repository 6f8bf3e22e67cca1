//! Reports, metrics and health.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DecisionView, ExecutionDeviceView, ExecutionView};

/// One execution told in full.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeploymentReport {
    /// The execution.
    pub execution: ExecutionView,
    /// How long it took so far, in seconds.
    pub duration_seconds: i64,
    /// Devices that took the update, in percent of those judged.
    pub success_rate: Option<f64>,
    /// Every decision, in order.
    pub decisions: Vec<DecisionView>,
    /// The first devices that need a person or failed.
    pub failed_devices: Vec<ExecutionDeviceView>,
}

/// What happened in the last days.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SummaryReport {
    /// How many days it looks back.
    pub days: u32,
    /// Executions that were started.
    pub total_deployments: u64,
    /// How many are in each phase or ended each way.
    pub by_status: BTreeMap<String, u64>,
    /// How many were started in each environment.
    pub by_environment: BTreeMap<String, u64>,
    /// Executions that ended well, in percent of those that ended.
    pub success_rate: Option<f64>,
    /// Mean time from start to end, in seconds.
    pub average_duration_seconds: Option<f64>,
}

/// The state of the system in numbers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetricsView {
    /// Executions ever started.
    pub deployments_total: u64,
    /// Executions that are not over.
    pub deployments_open: u64,
    /// Share of ended executions that ended well, from 0 to 1.
    pub deployment_success_rate: Option<f64>,
    /// Share of ended executions that did not, from 0 to 1.
    pub deployment_failure_rate: Option<f64>,
    /// Devices known.
    pub devices_total: u64,
    /// Devices heard of within three poll intervals.
    pub devices_online: u64,
    /// Devices that need a person.
    pub devices_quarantined: u64,
    /// Seconds since the server started.
    pub uptime_seconds: u64,
    /// Device polls answered since the start.
    pub polls_total: u64,
    /// Device reports stored since the start.
    pub reports_total: u64,
}

/// The outcome of all health checks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HealthReport {
    /// `healthy` or `unhealthy`.
    pub status: String,
    /// Each check.
    pub checks: Vec<HealthCheckView>,
}

/// The outcome of one health check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HealthCheckView {
    /// Its name.
    pub name: String,
    /// `healthy`, `unhealthy` or `not_available`.
    pub status: String,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// What went wrong.
    pub error: Option<String>,
}
