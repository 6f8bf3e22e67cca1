//! Why an execution does not go on, and why a device is not updated.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Path, Query};
use super::types::WhyView;
use crate::app::App;

/// In which execution.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Inside {
    /// The execution that is asked about; when left out, the one that has the device, or else the newest one of its
    /// environment that is not over, or else the last one that had it.
    execution_id: Option<String>,
}

/// Why an execution does not go further now, or why it stopped.
#[utoipa::path(get, path = "/api/deployments/{execution_id}/why", tag = "deployments",
    operation_id = "why_deployment",
    responses((status = 200, body = WhyView), (status = 404, body = Problem)))]
pub(super) async fn execution(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<WhyView>> {
    Ok(axum::Json(app.why_execution(&call, id).await?))
}

/// Why a device is not updated, or how it came to where it is.
#[utoipa::path(get, path = "/api/devices/{device_id}/why", tag = "devices",
    operation_id = "why_device", params(Inside),
    responses((status = 200, body = WhyView), (status = 404, body = Problem)))]
pub(super) async fn device(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(inside): Query<Inside>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<WhyView>> {
    let found = app.why_device(&call, id, inside.execution_id).await?;
    Ok(axum::Json(found))
}
