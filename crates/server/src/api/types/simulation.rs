//! What a plan might do: simulations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How imagined devices do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateRequest {
    /// Devices that can't take the update and say so, in percent (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_rate: Option<f64>,
    /// Devices that fetch the update and are not heard of again, in percent (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_rate: Option<f64>,
    /// Devices that never come, in percent (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_rate: Option<f64>,
    /// Devices that take ten times as long, in percent (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_rate: Option<f64>,
    /// Devices that can't go back, in percent (0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_failure_rate: Option<f64>,
    /// How long half of the devices take at the most, from fetching to the result, in seconds (120).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_seconds: Option<u32>,
    /// The same number tells the same story (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How many times it is run, each with the seed after the one before, from 1 to 1000 (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
}

/// What became of a plan in simulations: the real engine and the real waves with imagined devices in virtual time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SimulationView {
    /// The plan.
    pub plan_id: String,
    /// Its revision.
    pub revision: u32,
    /// The digest of that revision.
    pub digest: String,
    /// The version that it brings.
    pub firmware_version: String,
    /// Whose devices it updates.
    pub environment: String,
    /// The strategy.
    pub strategy: String,
    /// Devices in its waves.
    pub devices: u64,
    /// The waves' sizes.
    pub waves: Vec<u64>,
    /// The first seed.
    pub seed: u64,
    /// How many times it was run.
    pub runs: u64,
    /// How many runs ended how: `succeeded`, `rolled_back`, `rollback_incomplete`, or where they stopped, such as
    /// `halted`.
    pub endings: BTreeMap<String, u64>,
    /// Seconds from start to end.
    pub duration: SpreadView,
    /// Devices that run the new version at the end.
    pub updated: SpreadView,
    /// Devices that failed, were lost, or did not go back.
    pub failed: SpreadView,
    /// Devices that failed or were lost at any time, also those that went back.
    pub harmed: SpreadView,
    /// Most devices at once that ran the new version or were lost to it.
    pub exposed: SpreadView,
    /// How the first run ended.
    pub ending: String,
    /// What was decided in the first run, in order.
    pub transcript: Vec<TranscriptLine>,
    /// Lines that are missing in its middle.
    pub transcript_left_out: u64,
    /// What was not simulated.
    pub warnings: Vec<String>,
    /// Seconds that the computer took.
    pub took: f64,
}

/// How a number spreads over the runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct SpreadView {
    /// Half of the runs have at most this.
    pub median: u64,
    /// Nineteen of twenty runs have at most this.
    pub p95: u64,
    /// Every run has at most this.
    pub max: u64,
}

/// One decision of a simulated rollout.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TranscriptLine {
    /// When it would be made, RFC 3339.
    pub at: String,
    /// The decision in words.
    pub text: String,
}
