//! `/api/audit`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiResult;
use super::extract::{Caller, Query};
use super::paging::{Paging, list as page_of};
use super::types::{AuditView, List};
use crate::app::{App, views};

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// About this plan, execution, device, version or key.
    object: Option<String>,
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/audit", tag = "audit",
    operation_id = "list_audit", params(Filter, Paging),
    responses((status = 200, body = List<AuditView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<Json<List<AuditView>>> {
    let found = app
        .audit_entries(&call, filter.object, paging.page()?)
        .await?;
    let next = found.next;
    let rows = found.rows.into_iter().map(views::audit_entry).collect();
    Ok(Json(page_of(fleetward_store::page::Paged { rows, next })))
}
