//! `/api/deployments`: executions and what they are told.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fleetward_core::engine::Command;
use fleetward_store::executions::ExecutionFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiError, ApiResult, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::paging::{Paging, list as page_of, whole};
use super::types::{
    CommandRequest, DecisionView, ExecuteRequest, ExecutionDeviceView, ExecutionView, List,
};
use crate::app::App;

/// Which executions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// In this environment.
    environment: Option<String>,
    /// In this phase, or ended this way.
    status: Option<String>,
    /// Of this plan.
    plan_id: Option<String>,
}

/// Which devices of an execution.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceFilter {
    /// With this status.
    status: Option<String>,
    /// In this wave, from 1.
    wave: Option<u32>,
}

/// Execute an approved plan.
#[utoipa::path(post, path = "/api/deployments/execute", tag = "deployments",
    operation_id = "execute_plan",
    request_body = ExecuteRequest,
    responses((status = 202, body = ExecutionView), (status = 409, body = Problem)))]
pub(super) async fn execute(
    State(app): State<Arc<App>>,
    Json(call, request): Json<ExecuteRequest>,
) -> ApiResult<(StatusCode, axum::Json<ExecutionView>)> {
    Ok((
        StatusCode::ACCEPTED,
        axum::Json(app.execute(&call, request).await?),
    ))
}

/// List executions, newest first.
#[utoipa::path(get, path = "/api/deployments", tag = "deployments",
    operation_id = "list_deployments", params(Filter, Paging),
    responses((status = 200, body = List<ExecutionView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<ExecutionView>>> {
    let filter = ExecutionFilter {
        environment: filter.environment,
        phase: filter.status,
        plan_id: filter.plan_id,
        since: None,
    };
    Ok(axum::Json(page_of(
        app.executions(&call, filter, paging.page()?).await?,
    )))
}

/// One execution.
#[utoipa::path(get, path = "/api/deployments/{execution_id}", tag = "deployments",
    operation_id = "show_deployment",
    responses((status = 200, body = ExecutionView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<ExecutionView>> {
    Ok(axum::Json(app.execution(&call, id).await?))
}

/// Every decision of an execution, with its numbers.
#[utoipa::path(get, path = "/api/deployments/{execution_id}/decisions", tag = "deployments",
    operation_id = "list_decisions",
    responses((status = 200, body = List<DecisionView>), (status = 404, body = Problem)))]
pub(super) async fn decisions(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<DecisionView>>> {
    Ok(axum::Json(whole(app.decisions(&call, id).await?)))
}

/// The devices of an execution.
#[utoipa::path(get, path = "/api/deployments/{execution_id}/devices", tag = "deployments",
    operation_id = "list_deployment_devices",
    params(DeviceFilter, Paging),
    responses((status = 200, body = List<ExecutionDeviceView>), (status = 404, body = Problem)))]
pub(super) async fn devices(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(filter): Query<DeviceFilter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<ExecutionDeviceView>>> {
    let status = filter.status.map(|text| text.parse()).transpose();
    let status = status.map_err(|error: fleetward_core::device::UnknownStatus| {
        ApiError::invalid("status", error.to_string())
    })?;
    let wave = match filter.wave {
        Some(0) => return Err(ApiError::invalid("wave", "waves are counted from 1")),
        wave => wave.map(|wave| wave - 1),
    };
    let found = app
        .execution_devices(&call, id, status, wave, paging.page()?)
        .await?;
    Ok(axum::Json(page_of(found)))
}

/// Release nothing further until resumed. Safe to repeat; the body may be left out.
#[utoipa::path(post, path = "/api/deployments/{execution_id}/pause", tag = "deployments",
    operation_id = "pause_deployment",
    request_body = CommandRequest,
    responses((status = 200, body = ExecutionView), (status = 409, body = Problem)))]
pub(super) async fn pause(
    state: State<Arc<App>>,
    id: Path<String>,
    request: Json<CommandRequest>,
) -> ApiResult<axum::Json<ExecutionView>> {
    command(state, id, request, Command::Pause).await
}

/// Go on; where the execution waits on a verdict, accept what is known. Safe to repeat.
#[utoipa::path(post, path = "/api/deployments/{execution_id}/resume", tag = "deployments",
    operation_id = "resume_deployment",
    request_body = CommandRequest,
    responses((status = 200, body = ExecutionView), (status = 409, body = Problem)))]
pub(super) async fn resume(
    state: State<Arc<App>>,
    id: Path<String>,
    request: Json<CommandRequest>,
) -> ApiResult<axum::Json<ExecutionView>> {
    command(state, id, request, Command::Resume).await
}

/// Call it off; devices that took the update keep it. Safe to repeat.
#[utoipa::path(post, path = "/api/deployments/{execution_id}/cancel", tag = "deployments",
    operation_id = "cancel_deployment",
    request_body = CommandRequest,
    responses((status = 200, body = ExecutionView), (status = 409, body = Problem)))]
pub(super) async fn cancel(
    state: State<Arc<App>>,
    id: Path<String>,
    request: Json<CommandRequest>,
) -> ApiResult<axum::Json<ExecutionView>> {
    command(state, id, request, Command::Cancel).await
}

/// Bring every device that took the update back to the version it had. Safe to repeat.
#[utoipa::path(post, path = "/api/deployments/{execution_id}/rollback", tag = "deployments",
    operation_id = "roll_back_deployment",
    request_body = CommandRequest,
    responses((status = 200, body = ExecutionView), (status = 409, body = Problem)))]
pub(super) async fn rollback(
    state: State<Arc<App>>,
    id: Path<String>,
    request: Json<CommandRequest>,
) -> ApiResult<axum::Json<ExecutionView>> {
    command(state, id, request, Command::Rollback).await
}

async fn command(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<CommandRequest>,
    command: Command,
) -> ApiResult<axum::Json<ExecutionView>> {
    Ok(axum::Json(
        app.command_execution(&call, id, command, request.reason)
            .await?,
    ))
}
