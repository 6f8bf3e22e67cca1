//! Devices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    /// Its id.
    pub device_id: String,
    /// The environment it is in.
    pub environment: String,
    /// Hardware model; empty while unknown.
    pub model: String,
    /// Hardware revision; empty while unknown.
    pub revision: String,
    /// The version that it runs; empty while unknown.
    pub version: String,
    /// The groups that it is in.
    pub groups: Vec<String>,
    /// What it says of itself.
    pub attributes: BTreeMap<String, String>,
    /// It has a token of its own.
    pub has_token: bool,
    /// The program that speaks for it.
    pub client: String,
    /// It can fill a slot without switching to it.
    pub can_stage: bool,
    /// It did not go back and needs a person.
    pub quarantined: bool,
    /// When it was first known, RFC 3339.
    pub registered_at: String,
    /// When it was last heard of.
    pub last_seen_at: Option<String>,
}

/// A device with its history.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceDetail {
    /// The device.
    #[serde(flatten)]
    pub device: DeviceView,
    /// The executions that it was part of, newest first.
    pub executions: Vec<DeviceExecutionView>,
    /// What was offered to it, newest first.
    pub attempts: Vec<AttemptView>,
}

/// A device's part in an execution.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceExecutionView {
    /// The execution.
    pub execution_id: String,
    /// The device's wave, from 1.
    pub wave: u32,
    /// Where it stands.
    pub status: String,
    /// The version that it had.
    pub previous_version: String,
    /// How it failed.
    pub failure: Option<String>,
    /// When this last changed.
    pub updated_at: String,
}

/// One attempt at a device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number, as the device knows it.
    pub action_id: u32,
    /// `deploy` or `rollback`.
    pub kind: String,
    /// `open`, `cancelling` or `closed`.
    pub state: String,
    /// The version that was offered.
    pub version: String,
    /// When it was offered.
    pub opened_at: String,
    /// When it ended.
    pub closed_at: Option<String>,
    /// What the device said, newest first.
    pub messages: Vec<MessageView>,
}

/// What a device said.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// When it came.
    pub at: String,
    /// What it meant.
    pub report: String,
    /// The device's own words.
    pub details: Vec<String>,
}

/// A device to make known before it comes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeviceRequest {
    /// Its id.
    pub device_id: String,
    /// The environment that it will be in.
    pub environment: String,
    /// Its token; one is made and shown once where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Hardware model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Hardware revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The groups that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

/// A device that was made known.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewDeviceView {
    /// The device.
    #[serde(flatten)]
    pub device: DeviceView,
    /// Its token, shown this once, where it was made here.
    pub token: Option<String>,
}

/// What to change about a device.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceChange {
    /// Move it to this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Put it in these groups, and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}
