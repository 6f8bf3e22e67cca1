//! Why something is as it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why an execution does not go further, or why a device is not updated: one answer, and what would change it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WhyView {
    /// The answer for programs. Of an execution: `due`, `held`, `waiting`, `watching`, `last_devices`, `halted`,
    /// `rolling_back`, `cancelling` or `finished`. Of a device in an execution: `updated`, `waits_for_wave`,
    /// `waits_for_turn`, `waits_for_retry`, `waits_for_next_version`, `waits_for_switch`, `has_not_come`, `came_late`,
    /// `joined`, `stragglers_stopped`, `offered`, `under_way`, `failed`, `timed_out`, `going_back`, `rolled_back`,
    /// `rollback_failed`, `skipped` or `cancelled`. Of a device in none: `no_open_execution`, `not_chosen_yet`,
    /// `other_environment`, `other_group`, `already_on_version`, `unknown_version`, `incompatible_hardware`,
    /// `below_security_floor`, `quarantined`, `busy`, `beyond_rollout_percentage` or `joined_later`.
    pub answer: String,
    /// The answer for people.
    pub text: String,
    /// What would change it; absent when all goes its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// What the answer rests on. `why` is the answer again; what is nested in `because` is built alike.
    pub details: serde_json::Value,
    /// The execution that the answer is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// Of an execution the wave that is open, of a device its own; from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
}
