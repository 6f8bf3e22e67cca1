//! The description of a deployment: what to fetch and what to do with it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use fleetward_core::device::{ActionState, AttemptKind};
use fleetward_store::actions::{self, OpenAction};
use serde::Deserialize;

use super::access::{self, Device};
use super::error::DdiError;
use super::links::Links;
use super::wire::{Chunk, Deployment, Handling, History, Metadata, artifact};
use super::{feedback, reply};
use crate::app::App;

const HISTORY_MAX: u32 = 100;

/// Devices that hold the earlier version in their other slot need not fetch it again.
const SWITCH_BACK: &[Metadata] = &[Metadata {
    key: "fleetward.switch_back",
    value: "true",
}];

#[derive(Debug, Deserialize)]
pub(super) struct Ask {
    #[serde(rename = "actionHistory", default)]
    history: i64,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path((tenant, id, action)): Path<(String, String, String)>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let action = feedback::action_id(&action)?;
    let open = device
        .known
        .action
        .filter(|open| open.action_id == action && open.state == ActionState::Open);
    let Some(open) = open else {
        return Err(DdiError::NotFound("open action"));
    };
    if !open.fetched {
        feedback::fetched(&app, &device, action).await?;
    }
    describe(&app, &device, &open, ask.history, &headers, &uri).await
}

/// A deployment that this device has finished.
pub(super) async fn installed(
    State(app): State<Arc<App>>,
    Path((tenant, id, action)): Path<(String, String, String)>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let action = feedback::action_id(&action)?;
    let key = device.known.device_key;
    let found = app
        .store
        .read(move |tx| actions::find(tx, key, action))
        .await?;
    match found {
        Some((past, true)) if past.state == ActionState::Closed => {
            describe(&app, &device, &past, ask.history, &headers, &uri).await
        }
        Some(_) | None => Err(DdiError::NotFound("finished action")),
    }
}

async fn describe(
    app: &App,
    device: &Device,
    action: &OpenAction,
    history: i64,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, DdiError> {
    let firmware = app.catalog.find(&app.store, action.firmware_key).await?;
    let firmware = firmware.ok_or(DdiError::Internal)?;
    let url = Links::of(app, device, headers, uri).artifact(&firmware);
    let rollback = action.kind == AttemptKind::Rollback;
    let document = Deployment {
        id: action.action_id.to_string(),
        deployment: Handling {
            download: "forced",
            update: if action.staging { "skip" } else { "forced" },
            chunks: [Chunk {
                part: "bApp",
                version: &firmware.version,
                name: &firmware.name,
                artifacts: [artifact(&firmware, &url)],
                metadata: if rollback { SWITCH_BACK } else { &[] },
            }],
        },
        history: past(app, action, history).await?,
    };
    let body = serde_json::to_string(&document).map_err(|_| DdiError::Internal)?;
    reply::json(headers, body)
}

async fn past(app: &App, action: &OpenAction, asked: i64) -> Result<Option<History>, DdiError> {
    let limit = match usize::try_from(asked) {
        Ok(0) => return Ok(None),
        Ok(n) => n.min(HISTORY_MAX as usize),
        Err(_) => HISTORY_MAX as usize,
    };
    let id = action.action_id;
    // One more: the server's own word of the first contact is left out.
    let found = app
        .store
        .read(move |tx| actions::messages(tx, id, HISTORY_MAX + 1))
        .await?;
    let said = |detail: &str| serde_json::from_str::<Vec<String>>(detail).unwrap_or_default();
    let messages: Vec<String> = found
        .iter()
        .filter(|message| message.report != "retrieved")
        .flat_map(|message| said(&message.detail))
        .take(limit)
        .collect();
    let status = match action.state {
        ActionState::Open => "RUNNING",
        ActionState::Cancelling => "CANCELING",
        ActionState::Closed => "FINISHED",
    };
    Ok((!messages.is_empty()).then_some(History { status, messages }))
}

pub(super) async fn artifacts(
    State(app): State<Arc<App>>,
    Path((tenant, id, module)): Path<(String, String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let firmware = super::download::offered(&app, &device, &module).await?;
    let url = Links::of(&app, &device, &headers, &uri).artifact(&firmware);
    let body =
        serde_json::to_string(&[artifact(&firmware, &url)]).map_err(|_| DdiError::Internal)?;
    reply::json(&headers, body)
}
