//! `performance`: limits on what runs at once and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::Seconds;

/// Limits that hold for the whole server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Performance {
    /// How many executions may run at once; more are queued.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_deployments: u32,
    /// Seconds that an execution may take before an operator is asked; not limited when left out.
    pub deployment_timeout: Option<Seconds>,
    /// Seconds that all health checks of an environment together may take.
    pub health_check_timeout: Seconds,
    /// Threads that serve requests; one for each processor when left out.
    #[schemars(range(min = 1, max = 1_024))]
    pub worker_threads: Option<u32>,
}

impl Default for Performance {
    fn default() -> Self {
        Self {
            max_concurrent_deployments: 5,
            deployment_timeout: None,
            health_check_timeout: Seconds(300),
            worker_threads: None,
        }
    }
}
