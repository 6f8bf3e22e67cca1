//! Freezes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A freeze to declare.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFreezeRequest {
    /// Where nothing is to be released; anywhere when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// When it begins, RFC 3339; now when left out or past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it ends, RFC 3339; when it is lifted, where this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, for those who wait.
    pub reason: String,
}

/// A time in which nothing is released.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FreezeView {
    /// Its id; absent for one of the configuration, which ends it there.
    pub freeze_id: Option<String>,
    /// Where it comes from: `configuration` or `api`.
    pub source: String,
    /// Where nothing is released; anywhere when absent.
    pub environment: Option<String>,
    /// `scheduled`, `in_force`, `over` or `lifted`.
    pub status: String,
    /// When it begins, RFC 3339.
    pub from: String,
    /// When it ends; when it is lifted, where this is absent.
    pub until: Option<String>,
    /// Why, for those who wait.
    pub reason: String,
    /// When it was declared; absent for one of the configuration.
    pub created_at: Option<String>,
    /// Who declared it.
    pub created_by: Option<String>,
    /// When it was lifted.
    pub lifted_at: Option<String>,
    /// Who lifted it.
    pub lifted_by: Option<String>,
}
