//! `strategy` and `canary_percentage`: what a plan gets that names none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a rollout is cut into waves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// One wave with every device.
    Immediate,
    /// Batches of devices, each validated before the next.
    #[default]
    Rolling,
    /// A few devices first, then larger steps.
    Canary,
    /// Every device stages the update, then all of them switch.
    BlueGreen,
}
