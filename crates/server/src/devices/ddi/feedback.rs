//! What devices report of an action: durable before it is acknowledged.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use fleetward_core::device::{ActionState, Report};
use fleetward_core::ids::ActionId;
use fleetward_store::actions::OpenAction;
use fleetward_store::reports::{Applied, DeviceReport};
use serde::de::DeserializeOwned;

use super::access::{self, Device};
use super::error::DdiError;
use super::reply;
use super::wire::{Execution, Feedback, Finished, Status};
use crate::app::App;
use crate::config::FeedbackAfterEnd;
use crate::ingest::Incoming;

const BODY_MAX: usize = 256 * 1024;
const MESSAGES_MAX: usize = 50;
const MESSAGE_MAX: usize = 512;

pub(super) async fn deployment(
    State(app): State<Arc<App>>,
    Path((tenant, id, action)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let action = action_id(&action)?;
    let said: Feedback = read(&headers, &body)?;
    report(
        &app,
        &device,
        action,
        meaning(&said.status),
        detail(&said.status),
    )
    .await
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    Path((tenant, id, action)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let action = action_id(&action)?;
    let said: Feedback = read(&headers, &body)?;
    let meaning = match (said.status.execution, said.status.result.finished) {
        (Execution::Closed, Finished::Success | Finished::None)
        | (Execution::Canceled, Finished::Success) => Report::CancelAccepted,
        (Execution::Closed, Finished::Failure) | (Execution::Rejected, _) => Report::CancelRefused,
        (
            Execution::Canceled
            | Execution::Proceeding
            | Execution::Scheduled
            | Execution::Resumed
            | Execution::Download
            | Execution::Downloaded,
            _,
        ) => Report::Information,
    };
    let offered = |open: OpenAction| open.action_id == action && open.state == ActionState::Open;
    if device.known.action.is_some_and(offered) {
        return Err(DdiError::NotCancelling);
    }
    report(&app, &device, action, meaning, detail(&said.status)).await
}

/// Stores that a device asked what to install. It is not told where the offer was taken back meanwhile.
pub(super) async fn fetched(app: &App, device: &Device, action: ActionId) -> Result<(), DdiError> {
    let detail = r#"["The device asked what to install."]"#.to_owned();
    match store(app, device, action, Report::Retrieved, detail).await? {
        Applied::Changed { change, .. } if !change.late => Ok(()),
        Applied::Changed { .. } | Applied::Unknown | Applied::NotCancelling => {
            Err(DdiError::NotFound("open action"))
        }
    }
}

/// Stores a report and answers it.
async fn report(
    app: &App,
    device: &Device,
    action: ActionId,
    report: Report,
    detail: String,
) -> Result<Response, DdiError> {
    match store(app, device, action, report, detail).await? {
        Applied::Unknown => Err(DdiError::NotFound("action")),
        Applied::NotCancelling => Err(DdiError::NotCancelling),
        Applied::Changed { change, .. } => {
            let refuses = app.config.devices.ddi_feedback_after_end == FeedbackAfterEnd::Gone;
            if change.late && refuses {
                Err(DdiError::Gone)
            } else {
                Ok(reply::accepted())
            }
        }
    }
}

async fn store(
    app: &App,
    device: &Device,
    action: ActionId,
    report: Report,
    detail: String,
) -> Result<Applied, DdiError> {
    let report = DeviceReport {
        device_key: device.known.device_key,
        action,
        report,
        detail,
    };
    let incoming = Incoming {
        device_id: device.id.as_str().into(),
        report,
    };
    Ok(app.ingest.report(incoming).await?)
}

/// The body of a device's request.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, DdiError> {
    if body.len() > BODY_MAX {
        return Err(DdiError::TooLarge);
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let json = |kind: &str| {
        let name = kind.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("application/json")
    };
    if !kind.is_none_or(json) {
        return Err(DdiError::UnsupportedType);
    }
    serde_json::from_slice(body)
        .map_err(|error| DdiError::Malformed(format!("the body can't be read: {error}")))
}

/// The number of an action out of a path.
pub(super) fn action_id(text: &str) -> Result<ActionId, DdiError> {
    let number: Result<u32, _> = text.parse();
    number
        .map(ActionId)
        .map_err(|_| DdiError::Malformed(format!("`{text}` is not an action id")))
}

fn meaning(status: &Status) -> Report {
    match status.execution {
        Execution::Closed => match status.result.finished {
            Finished::Success | Finished::None => Report::Succeeded,
            Finished::Failure => Report::Failed,
        },
        Execution::Download => Report::Downloading,
        Execution::Downloaded => Report::Downloaded,
        Execution::Proceeding => proceeding(status),
        Execution::Canceled | Execution::Scheduled | Execution::Rejected | Execution::Resumed => {
            Report::Information
        }
    }
}

/// A device that says that all parts are done has yet to start into them.
fn proceeding(status: &Status) -> Report {
    let number = |name: &str| {
        status
            .result
            .progress
            .get(name)
            .and_then(serde_json::Value::as_u64)
    };
    match (number("cnt"), number("of")) {
        (Some(done), Some(all)) if all > 0 && done >= all => Report::Rebooting,
        (_, _) => Report::Installing,
    }
}

fn detail(status: &Status) -> String {
    let code = status
        .code
        .map(|code| format!("Device reported status code: {code}"));
    let said = status.details.iter().take(MESSAGES_MAX);
    let said = said.map(|message| message.chars().take(MESSAGE_MAX).collect::<String>());
    let all: Vec<String> = code
        .into_iter()
        .chain(said)
        .filter(|text| !text.is_empty())
        .collect();
    serde_json::to_string(&all).unwrap_or_else(|_| "[]".to_owned())
}
