//! Environments.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stage of the path, as configured, with what its devices run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentView {
    /// The environment's key in the configuration and in paths.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `development`, `testing`, `staging` or `production`.
    pub stage: String,
    /// What it is for.
    pub description: String,
    /// Plans for it need an approval.
    pub approval_required: bool,
    /// Rollouts in it go back by themselves when they trip.
    pub auto_rollback: bool,
    /// How devices may join: `open`, `token` or `closed`.
    pub enrollment: String,
    /// How long a device may take to go back, in seconds.
    pub rollback_timeout: u32,
    /// Executions that are not over.
    pub open_deployments: u64,
    /// Its devices.
    pub devices: u64,
    /// What they run, the most frequent version first.
    pub versions: Vec<VersionCount>,
}

/// How many devices run a version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionCount {
    /// The version; empty where devices have not said.
    pub version: String,
    /// How many.
    pub devices: u64,
}
