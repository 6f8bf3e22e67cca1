//! `/api/firmware`: images in and out, as streams.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fleetward_core::firmware::Hardware;
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::error::{ApiError, ApiResult, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::paging::{Paging, list as page_of};
use super::types::{CommandRequest, FirmwareView, List};
use crate::app::firmware::Upload;
use crate::app::{App, AppError};

/// What comes with an image.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UploadQuery {
    /// The version; the image's own where it has one.
    version: Option<String>,
    /// What to call it.
    name: Option<String>,
    /// The file name that devices will see (`firmware.bin`).
    file_name: Option<String>,
    /// The hardware that it fits: `model` or `model:revision`, separated by commas; all when absent.
    compatibility: Option<String>,
    /// SHA-256 that the image must have, hex.
    sha256: Option<String>,
}

/// Upload an image as the request's body. The same image for the same version again is no error.
#[utoipa::path(post, path = "/api/firmware", tag = "firmware",
    operation_id = "upload_firmware", params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = FirmwareView), (status = 200, body = FirmwareView),
        (status = 422, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn upload(
    State(app): State<Arc<App>>,
    Query(query): Query<UploadQuery>,
    Caller(call): Caller,
    request: Request,
) -> ApiResult<(StatusCode, axum::Json<FirmwareView>)> {
    let given = query.compatibility.unwrap_or_default();
    let words = given
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let compatibility: Option<Vec<Hardware>> = words.map(Hardware::parse).collect();
    let Some(compatibility) = compatibility else {
        let message = "name hardware as `model` or `model:revision`, separated by commas";
        return Err(ApiError::invalid("compatibility", message));
    };
    let upload = Upload {
        version: query.version,
        name: query.name,
        file_name: query.file_name.unwrap_or_else(|| "firmware.bin".to_owned()),
        compatibility,
        sha256: query.sha256,
    };
    let body = request.into_body().into_data_stream();
    let uploaded = app.upload(&call, upload, body).await?;
    let status = if uploaded.new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, axum::Json(uploaded.view)))
}

/// List versions, newest first.
#[utoipa::path(get, path = "/api/firmware", tag = "firmware",
    operation_id = "list_firmware", params(Paging),
    responses((status = 200, body = List<FirmwareView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<FirmwareView>>> {
    Ok(axum::Json(page_of(
        app.firmware_list(&call, paging.page()?).await?,
    )))
}

/// One version, by its id or its version.
#[utoipa::path(get, path = "/api/firmware/{firmware_id}", tag = "firmware",
    operation_id = "show_firmware",
    responses((status = 200, body = FirmwareView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<FirmwareView>> {
    Ok(axum::Json(app.firmware(&call, id).await?))
}

/// Download an image.
#[utoipa::path(get, path = "/api/firmware/{firmware_id}/download", tag = "firmware",
    operation_id = "download_firmware",
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(super) async fn download(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<Response> {
    let found = app.firmware(&call, id).await?;
    let file = app
        .blobs
        .read(&found.sha256)
        .await
        .map_err(AppError::Files)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, found.size.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", found.file_name),
        ),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// Withdraw a version: it can't be deployed, and rollouts of it stop. Safe to repeat.
#[utoipa::path(post, path = "/api/firmware/{firmware_id}/withdraw", tag = "firmware",
    operation_id = "withdraw_firmware",
    request_body = CommandRequest,
    responses((status = 200, body = FirmwareView), (status = 404, body = Problem)))]
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<CommandRequest>,
) -> ApiResult<axum::Json<FirmwareView>> {
    Ok(axum::Json(app.withdraw(&call, id, request.reason).await?))
}
