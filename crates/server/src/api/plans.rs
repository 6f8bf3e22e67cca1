//! `/api/deployment-plans`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fleetward_core::plan::PlanState;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiError, ApiResult, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::paging::{Paging, list as page_of};
use super::types::{ApproveRequest, List, PlanRequest, PlanView};
use crate::app::App;

/// Which plans.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// For this environment.
    environment: Option<String>,
    /// In this state.
    status: Option<String>,
}

/// Create a plan.
#[utoipa::path(post, path = "/api/deployment-plans", tag = "plans",
    operation_id = "create_plan", request_body = PlanRequest,
    responses((status = 201, body = PlanView), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Json(call, request): Json<PlanRequest>,
) -> ApiResult<(StatusCode, axum::Json<PlanView>)> {
    Ok((
        StatusCode::CREATED,
        axum::Json(app.create_plan(&call, request).await?),
    ))
}

/// List plans, newest first.
#[utoipa::path(get, path = "/api/deployment-plans", tag = "plans",
    operation_id = "list_plans", params(Filter, Paging),
    responses((status = 200, body = List<PlanView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<PlanView>>> {
    let state: Option<PlanState> = match filter.status.as_deref().map(str::parse) {
        None => None,
        Some(Ok(state)) => Some(state),
        Some(Err(error)) => return Err(ApiError::invalid("status", error)),
    };
    let found = app
        .plans(&call, filter.environment, state, paging.page()?)
        .await?;
    Ok(axum::Json(page_of(found)))
}

/// One plan, with the waves it would make now.
#[utoipa::path(get, path = "/api/deployment-plans/{plan_id}", tag = "plans",
    operation_id = "show_plan",
    responses((status = 200, body = PlanView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<PlanView>> {
    Ok(axum::Json(app.plan(&call, id).await?))
}

/// Approve a plan. The body may be left out.
#[utoipa::path(post, path = "/api/deployment-plans/{plan_id}/approve", tag = "plans",
    operation_id = "approve_plan",
    request_body = ApproveRequest,
    responses((status = 200, body = PlanView), (status = 409, body = Problem)))]
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<ApproveRequest>,
) -> ApiResult<axum::Json<PlanView>> {
    Ok(axum::Json(app.approve_plan(&call, id, request).await?))
}
