//! The description of a cancellation.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use fleetward_core::device::ActionState;

use super::error::DdiError;
use super::feedback::action_id;
use super::{access, reply};
use crate::app::App;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path((tenant, id, action)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let action = action_id(&action)?;
    let open = device
        .known
        .action
        .filter(|open| open.action_id == action && open.state == ActionState::Cancelling);
    if open.is_none() {
        return Err(DdiError::NotFound("action to cancel"));
    }
    let body = format!(r#"{{"id":"{action}","cancelAction":{{"stopId":"{action}"}}}}"#);
    std::future::ready(reply::json(&headers, body)).await
}
