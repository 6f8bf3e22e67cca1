//! `approvals`: who must agree to a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::Seconds;

/// Approval of plans, in environments that require it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approvals {
    /// Whether nobody may approve a plan of their own; in environments of the stage production only when left out.
    pub four_eyes: Option<bool>,
    /// Number of people who must approve.
    #[schemars(range(min = 1, max = 100))]
    pub required: u32,
    /// Seconds after which a plan that was submitted and not executed expires; an edit puts it to the approvers anew.
    pub expires_after: Seconds,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            four_eyes: None,
            required: 1,
            expires_after: Seconds(604_800),
        }
    }
}
