//! `/api/keys`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Json, Path};
use super::paging::whole;
use super::types::{KeyView, List, NewKeyRequest, NewKeyView};
use crate::app::App;

/// Make a key. It is shown in this answer and never again.
#[utoipa::path(post, path = "/api/keys", tag = "keys",
    operation_id = "create_key", request_body = NewKeyRequest,
    responses((status = 201, body = NewKeyView), (status = 403, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Json(call, request): Json<NewKeyRequest>,
) -> ApiResult<(StatusCode, axum::Json<NewKeyView>)> {
    Ok((
        StatusCode::CREATED,
        axum::Json(app.create_key(&call, request).await?),
    ))
}

/// List keys, without their secrets.
#[utoipa::path(get, path = "/api/keys", tag = "keys",
    operation_id = "list_keys",
    responses((status = 200, body = List<KeyView>), (status = 403, body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<KeyView>>> {
    Ok(axum::Json(whole(app.list_keys(&call).await?)))
}

/// Revoke a key at once.
#[utoipa::path(delete, path = "/api/keys/{key_id}", tag = "keys",
    operation_id = "revoke_key",
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<StatusCode> {
    app.revoke_key(&call, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
