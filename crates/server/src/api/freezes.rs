//! `/api/freezes`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::paging::{Paging, list as page_of};
use super::types::{FreezeView, List, NewFreezeRequest};
use crate::app::App;

/// Which freezes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Neither lifted nor over: in force, or still to come.
    standing: Option<bool>,
    /// Holding in this environment: its own, and those of all environments.
    environment: Option<String>,
}

/// Declare a freeze: nothing is released, in one environment or in any, until it ends or is lifted.
#[utoipa::path(post, path = "/api/freezes", tag = "freezes",
    operation_id = "set_freeze", request_body = NewFreezeRequest,
    responses((status = 201, body = FreezeView), (status = 422, body = Problem)))]
pub(super) async fn set(
    State(app): State<Arc<App>>,
    Json(call, request): Json<NewFreezeRequest>,
) -> ApiResult<(StatusCode, axum::Json<FreezeView>)> {
    Ok((
        StatusCode::CREATED,
        axum::Json(app.set_freeze(&call, request).await?),
    ))
}

/// List freezes: those that were declared, newest first, and then those of the configuration.
#[utoipa::path(get, path = "/api/freezes", tag = "freezes",
    operation_id = "list_freezes", params(Filter, Paging),
    responses((status = 200, body = List<FreezeView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<FreezeView>>> {
    let standing = filter.standing.unwrap_or(false);
    let found = app
        .freezes(&call, filter.environment, standing, paging.page()?)
        .await?;
    Ok(axum::Json(page_of(found)))
}

/// One freeze that was declared.
#[utoipa::path(get, path = "/api/freezes/{freeze_id}", tag = "freezes",
    operation_id = "show_freeze",
    responses((status = 200, body = FreezeView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<FreezeView>> {
    Ok(axum::Json(app.freeze(&call, id).await?))
}

/// Lift a freeze at once. Safe to repeat.
#[utoipa::path(delete, path = "/api/freezes/{freeze_id}", tag = "freezes",
    operation_id = "lift_freeze",
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn lift(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<StatusCode> {
    app.lift_freeze(&call, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
