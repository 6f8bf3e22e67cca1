//! Audit entries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One change.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Its place, from 1, without gaps.
    pub number: i64,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub actor: String,
    /// From where.
    pub source: String,
    /// What was done, as `noun.verb`.
    pub action: String,
    /// To what.
    pub object: String,
    /// The particulars.
    pub detail: serde_json::Value,
}
