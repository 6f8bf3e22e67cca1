//! What a plan would do and what it might: `/api/deployment-plans/preview`,
//! `/api/deployment-plans/{plan_id}/preview` and `/api/deployment-plans/{plan_id}/simulate`.

use std::sync::Arc;

use axum::extract::State;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Json, Path};
use super::types::{PlanRequest, PreviewView, SimulateRequest, SimulationView};
use crate::app::App;

/// What a plan would do if it were made and executed now. Nothing is kept.
#[utoipa::path(post, path = "/api/deployment-plans/preview", tag = "plans",
    operation_id = "preview_request", request_body = PlanRequest,
    responses((status = 200, body = PreviewView), (status = 422, body = Problem)))]
pub(super) async fn request(
    State(app): State<Arc<App>>,
    Json(call, request): Json<PlanRequest>,
) -> ApiResult<axum::Json<PreviewView>> {
    Ok(axum::Json(app.preview_request(&call, request).await?))
}

/// What a plan would do if it were executed now: devices, waves, times, and how much harm is possible.
#[utoipa::path(get, path = "/api/deployment-plans/{plan_id}/preview", tag = "plans",
    operation_id = "preview_plan",
    responses((status = 200, body = PreviewView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<PreviewView>> {
    Ok(axum::Json(app.preview_plan(&call, id).await?))
}

/// Run the plan on its devices, imagined, in virtual time. Nothing is kept; the body may be left out.
#[utoipa::path(post, path = "/api/deployment-plans/{plan_id}/simulate", tag = "plans",
    operation_id = "simulate_plan", request_body = SimulateRequest,
    responses((status = 200, body = SimulationView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn simulate(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<SimulateRequest>,
) -> ApiResult<axum::Json<SimulationView>> {
    Ok(axum::Json(app.simulate(&call, id, request).await?))
}
