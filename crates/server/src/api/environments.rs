//! `/api/environments`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Path};
use super::paging::whole;
use super::types::{EnvironmentView, List};
use crate::app::App;

/// List the environments, in the order of the path.
#[utoipa::path(get, path = "/api/environments", tag = "environments",
    operation_id = "list_environments",
    responses((status = 200, body = List<EnvironmentView>), (status = 401, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(call): Caller,
) -> ApiResult<Json<List<EnvironmentView>>> {
    Ok(Json(whole(app.environments(&call).await?)))
}

/// One environment, with what its devices run.
#[utoipa::path(get, path = "/api/environments/{environment_name}", tag = "environments",
    operation_id = "show_environment",
    responses((status = 200, body = EnvironmentView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<Json<EnvironmentView>> {
    Ok(Json(app.environment(&call, id).await?))
}
