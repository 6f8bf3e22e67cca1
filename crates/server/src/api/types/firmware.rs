//! Firmware versions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version and its image.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FirmwareView {
    /// Its id.
    pub firmware_id: String,
    /// The version.
    pub version: String,
    /// What it is called.
    pub name: String,
    /// `available` or `withdrawn`.
    pub status: String,
    /// The image's format: `swu` or `raw`.
    pub format: String,
    /// The image's file name, as devices see it.
    pub file_name: String,
    /// The image's size in bytes.
    pub size: u64,
    /// SHA-256 of the image, hex.
    pub sha256: String,
    /// SHA-1 of the image, hex.
    pub sha1: String,
    /// MD5 of the image, hex.
    pub md5: String,
    /// The hardware that it fits, as `model` or `model:revision`; all when empty.
    pub compatibility: Vec<String>,
    /// The image carries a signature (which is not verified yet).
    pub signed: bool,
    /// What was noticed while reading the image.
    pub findings: Vec<String>,
    /// When it was uploaded, RFC 3339.
    pub created_at: String,
    /// Who uploaded it.
    pub created_by: String,
    /// When it was withdrawn.
    pub withdrawn_at: Option<String>,
    /// Who withdrew it.
    pub withdrawn_by: Option<String>,
}
