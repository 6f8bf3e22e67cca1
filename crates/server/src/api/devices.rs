//! `/api/devices`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use fleetward_store::devices::DeviceFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::paging::{Paging, list as page_of};
use super::types::{DeviceChange, DeviceDetail, DeviceView, List, NewDeviceRequest, NewDeviceView};
use crate::app::App;

/// Which devices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// In this environment.
    environment: Option<String>,
    /// Running this version.
    version: Option<String>,
    /// Of this model.
    model: Option<String>,
    /// With this in their id.
    search: Option<String>,
    /// Needing a person.
    quarantined: Option<bool>,
}

/// Make a device known before it comes.
#[utoipa::path(post, path = "/api/devices", tag = "devices",
    operation_id = "add_device", request_body = NewDeviceRequest,
    responses((status = 201, body = NewDeviceView), (status = 409, body = Problem)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Json(call, request): Json<NewDeviceRequest>,
) -> ApiResult<(StatusCode, axum::Json<NewDeviceView>)> {
    Ok((
        StatusCode::CREATED,
        axum::Json(app.add_device(&call, request).await?),
    ))
}

/// List devices.
#[utoipa::path(get, path = "/api/devices", tag = "devices",
    operation_id = "list_devices", params(Filter, Paging),
    responses((status = 200, body = List<DeviceView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<DeviceView>>> {
    let filter = DeviceFilter {
        environment: filter.environment,
        version: filter.version,
        model: filter.model,
        search: filter.search,
        quarantined: filter.quarantined,
    };
    Ok(axum::Json(page_of(
        app.devices(&call, filter, paging.page()?).await?,
    )))
}

/// A device with its history.
#[utoipa::path(get, path = "/api/devices/{device_id}", tag = "devices",
    operation_id = "show_device",
    responses((status = 200, body = DeviceDetail), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<DeviceDetail>> {
    Ok(axum::Json(app.device(&call, id).await?))
}

/// Move a device, or set its groups.
#[utoipa::path(patch, path = "/api/devices/{device_id}", tag = "devices",
    operation_id = "change_device",
    request_body = DeviceChange,
    responses((status = 200, body = DeviceView), (status = 404, body = Problem)))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, change): Json<DeviceChange>,
) -> ApiResult<axum::Json<DeviceView>> {
    Ok(axum::Json(app.change_device(&call, id, change).await?))
}
