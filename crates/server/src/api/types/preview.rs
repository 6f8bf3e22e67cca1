//! What a plan would do if it were executed now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a plan would do if it were executed now. Nothing of it is kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewView {
    /// The plan; absent for one that is not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
    /// Its revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The digest of that revision: what an approval is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The version that it brings.
    pub firmware_version: String,
    /// Whose devices it updates.
    pub environment: String,
    /// The strategy.
    pub strategy: String,
    /// When this was looked at, RFC 3339.
    pub made_at: String,
    /// Devices of the environment, or of the plan's groups in it.
    pub considered: u64,
    /// Those that the update is for, also when they are busy or beyond the plan's share.
    pub matching: u64,
    /// Those that are in a wave.
    pub targeted: u64,
    /// Those that are in none, by reason.
    pub excluded: Vec<ExcludedView>,
    /// Targeted devices that were not heard of for longer than `offline_after`.
    pub offline: u64,
    /// Seconds of silence after which a device is taken to be offline.
    pub offline_after: u64,
    /// Targeted devices that pass through other versions first.
    pub through_stepping_stones: u64,
    /// When it starts.
    pub starts_at: String,
    /// When its last wave has passed; absent when that is not within ten years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// Seconds from start to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<u64>,
    /// Seconds that a device is taken to need, from the offer until it is through.
    pub device_takes: u32,
    /// The waves, in order.
    pub waves: Vec<WavePreview>,
    /// How much harm is possible.
    pub harm: HarmView,
    /// When sequential judgement stops and passes; absent when judgement is by threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<BoundaryView>,
    /// What its author should know.
    pub warnings: Vec<String>,
}

/// Devices that are in no wave, for one reason.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExcludedView {
    /// `already_on_version`, `incompatible_hardware`, `quarantined`, `below_security_floor`, `busy` or
    /// `beyond_rollout_percentage`.
    pub reason: String,
    /// How many.
    pub devices: u64,
    /// Up to five of them.
    pub examples: Vec<String>,
}

/// A wave before it is there.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WavePreview {
    /// Its number, from 1.
    pub wave: u32,
    /// Its devices.
    pub devices: u64,
    /// How many of them are of which hardware, by `model:revision`.
    pub strata: BTreeMap<String, u64>,
    /// How many of them were not heard of for longer than `offline_after`.
    pub offline: u64,
    /// When its first device is released, RFC 3339; absent, like the times below, when that is not within ten years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<String>,
    /// When its last device is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_by: Option<String>,
    /// When its last device is through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// When it has been watched long enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes_at: Option<String>,
    /// Some of its devices wait for a window or the end of a freeze.
    pub held_by_window: bool,
}

/// How much harm is possible.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HarmView {
    /// Most devices that take the update before the rollout stops when every one of them fails.
    pub all_fail: u64,
    /// Most devices that can fail in the whole rollout without a stop.
    pub hidden: u64,
    /// Most devices that can come so late that waves pass without them.
    pub late: u64,
    /// The same in words, with the reasons.
    pub explanation: String,
}

/// When sequential judgement stops and passes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BoundaryView {
    /// From no failure upwards, without gaps.
    pub rows: Vec<BoundaryRowView>,
    /// Every larger number of failures stops at once; otherwise the table was cut short.
    pub complete: bool,
}

/// What so many failures mean.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BoundaryRowView {
    /// Devices that failed.
    pub failures: u64,
    /// Stops while no more devices than this are through; never when absent.
    pub rolls_back_through: Option<u64>,
    /// Passes when at least so many devices are through.
    pub passes_from: u64,
}
