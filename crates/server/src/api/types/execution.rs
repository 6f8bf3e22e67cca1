//! Executions, also called deployments.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to execute.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecuteRequest {
    /// An approved plan.
    pub plan_id: String,
    /// Why a version goes on that has not proved itself where it should have; takes a right of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_promotion: Option<String>,
    /// Why it runs through freezes; takes a right of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_freeze: Option<String>,
}

/// A word that goes with a command.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    /// Why; kept in the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One run of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExecutionView {
    /// The execution's id.
    pub execution_id: String,
    /// The plan it runs.
    pub plan_id: String,
    /// The plan's name.
    pub name: String,
    /// Whose devices it updates.
    pub environment: String,
    /// The version that it brings.
    pub firmware_version: String,
    /// The strategy.
    pub strategy: String,
    /// `queued`, `releasing`, `staging`, `verifying`, `observing`, `paused`, `halted`, `rolling_back`,
    /// `cancelling`, or how it ended: `succeeded`, `rolled_back`, `rollback_incomplete`, `cancelled`.
    pub status: String,
    /// It is over.
    pub finished: bool,
    /// Why it waits for an operator, or why it went back; in words.
    pub reason: Option<String>,
    /// Why it does not go further now, in words; absent when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The wave that is open, from 1.
    pub current_wave: Option<u32>,
    /// How many devices it targets.
    pub devices: u64,
    /// How many matching devices it left out, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// Devices that need nothing more, in percent of all.
    pub progress: f64,
    /// How many devices have each status.
    pub counts: BTreeMap<String, u64>,
    /// Devices that missed their wave without ever coming; they get the update when they come.
    pub late: u64,
    /// Devices that joined while it ran; they are in no wave's numbers.
    #[serde(default)]
    pub joined: u64,
    /// When it starts at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    /// The waves, in order.
    pub waves: Vec<WaveView>,
    /// When it was started, RFC 3339.
    pub started_at: String,
    /// Who started it.
    pub started_by: String,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// One wave of an execution.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WaveView {
    /// Its number, from 1.
    pub wave: u32,
    /// Its devices.
    pub devices: u64,
    /// How many of them have each status.
    pub counts: BTreeMap<String, u64>,
    /// When it was opened.
    pub released_at: Option<String>,
    /// When its devices were told to switch (blue-green).
    pub switched_at: Option<String>,
    /// When its last device was through.
    pub settled_at: Option<String>,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: Option<String>,
}

/// A decision, with what it rests on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// Its place in the execution, from 1.
    pub number: u64,
    /// When it was made.
    pub at: String,
    /// What kind of decision.
    pub decision: String,
    /// The decision in words.
    pub summary: String,
    /// Its numbers.
    pub details: serde_json::Value,
}

/// A device inside an execution.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExecutionDeviceView {
    /// The device.
    pub device_id: String,
    /// Its wave, from 1.
    pub wave: u32,
    /// Where it stands.
    pub status: String,
    /// It missed its wave without ever coming.
    pub late: bool,
    /// How it belongs to the execution: `on_time`, `absent` and `arrived` for late ones, `joined`.
    #[serde(default)]
    pub class: String,
    /// When it may be offered the update again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    /// The version that it had.
    pub previous_version: String,
    /// How it failed.
    pub failure: Option<String>,
    /// The attempt offered last, as the device knows it.
    pub action_id: Option<u32>,
    /// When it will be given up.
    pub deadline: Option<String>,
    /// When this last changed.
    pub updated_at: String,
}
