//! What the REST API says and hears, as JSON. Nothing inside the program is written to the wire
//! directly; each resource has its own types here, and unknown fields of a request are refused.

mod audit;
mod device;
mod environment;
mod execution;
mod firmware;
mod freeze;
mod key;
mod pace;
mod plan;
mod preview;
mod report;
mod simulation;
mod why;

pub use audit::AuditView;
pub use device::{
    AttemptView, DeviceChange, DeviceDetail, DeviceExecutionView, DeviceView, MessageView,
    NewDeviceRequest, NewDeviceView,
};
pub use environment::{EnvironmentView, VersionCount};
pub use execution::{
    CommandRequest, DecisionView, ExecuteRequest, ExecutionDeviceView, ExecutionView, WaveView,
};
pub use firmware::FirmwareView;
pub use freeze::{FreezeView, NewFreezeRequest};
pub use key::{KeyView, NewKeyRequest, NewKeyView};
pub use pace::{FailureDomainView, RateRequest, RateView};
pub use plan::{
    ApprovalView, ApproveRequest, CriteriaRequest, FailureLimitView, PlanRequest, PlanView,
    RejectRequest, RetryView, ReviewRequest, RevisionView,
};
pub use preview::{
    BoundaryRowView, BoundaryView, ExcludedView, HarmView, PreviewView, WavePreview,
};
pub use report::{DeploymentReport, HealthCheckView, HealthReport, MetricsView, SummaryReport};
pub use simulation::{SimulateRequest, SimulationView, SpreadView, TranscriptLine};
pub use why::WhyView;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One part of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Hand this back as `cursor` to get the next part; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
