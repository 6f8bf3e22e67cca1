//! API keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeyRequest {
    /// What it is for.
    pub name: String,
    /// `viewer`, `operator`, `approver` or `admin`.
    pub role: String,
    /// Days until it stops working; never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
}

/// A key, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its id.
    pub key_id: String,
    /// What it is for.
    pub name: String,
    /// Its role.
    pub role: String,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
    /// When it stops working.
    pub expires_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// A key that was made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewKeyView {
    /// The key without its secret.
    #[serde(flatten)]
    pub view: KeyView,
    /// The key itself, shown this once.
    pub key: String,
}
