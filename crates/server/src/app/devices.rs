//! Devices as people manage them.

use std::sync::Arc;

use fleetward_core::ids::check_device_id;
use fleetward_store::actions::{self, roster_of};
use fleetward_store::devices::{self, Device, DeviceFilter, NewDevice};
use fleetward_store::page::{Page, Paged};
use fleetward_store::{Tx, assignments, comers};
use serde::{Deserialize, Serialize};

use super::{Aftermath, App, AppError, Call, Done, views};
use crate::api::types::{
    AttemptView, DeviceChange, DeviceDetail, DeviceView, MessageView, NewDeviceRequest,
    NewDeviceView,
};
use crate::auth::{self, Right};

/// How much of a device's history is shown.
const HISTORY: u32 = 20;

/// A device that was added. Its token is no part of what is kept for a repeat of the request.
#[derive(Serialize, Deserialize)]
struct Added {
    device: DeviceView,
    #[serde(skip)]
    token: Option<String>,
}

impl App {
    /// Makes a device known before it comes. Its token is made here where none is given, and is not
    /// told again to a repeat of the request.
    ///
    /// # Errors
    /// The caller may not, the device can't be, or it is known.
    pub async fn add_device(
        self: &Arc<Self>,
        call: &Call,
        request: NewDeviceRequest,
    ) -> Result<NewDeviceView, AppError> {
        call.needs(Right::Devices)?;
        check_device_id(&request.device_id)
            .map_err(|error| AppError::invalid("device_id", error.to_string()))?;
        self.configured(&request.environment)
            .map_err(|error| AppError::invalid("environment", error.to_string()))?;
        let groups = request.groups.clone().unwrap_or_default();
        check_groups(&groups)?;
        let made = request.token.is_none().then(|| auth::generate().1);
        let token = request
            .token
            .clone()
            .or_else(|| made.clone())
            .unwrap_or_default();
        if token.len() < 16 || token.len() > 128 {
            return Err(AppError::invalid(
                "token",
                "use 16 to 128 characters, or leave it out",
            ));
        }
        let work = move |tx: &Tx<'_>, call: &Call| {
            if devices::find(tx, &request.device_id)?.is_some() {
                let detail = format!("there is a device `{}`", request.device_id);
                return Err(AppError::conflict("device_exists", detail));
            }
            let new = NewDevice {
                device_id: request.device_id.clone(),
                environment: request.environment.clone(),
                model: request.model.clone().unwrap_or_default(),
                revision: request.revision.clone().unwrap_or_default(),
                groups: groups.clone(),
                token_hash: Some(auth::hash(&token)),
                ..NewDevice::default()
            };
            let key = devices::insert(tx, &new, call.now)?;
            let device = views::device(find(tx, &request.device_id)?);
            call.audit(tx, "device.add", &device.device_id, &device)?;
            let wake = comers::join(tx, &device.device_id, call.now)?;
            let roster = roster_of(tx, &[key])?;
            Ok(Done {
                value: Added {
                    device,
                    token: made,
                },
                aftermath: Aftermath {
                    roster,
                    wake,
                    ..Aftermath::default()
                },
            })
        };
        let Added { device, token } = self.command(call, Right::Devices, work).await?;
        Ok(NewDeviceView { device, token })
    }

    /// Moves or groups a device. A device that moves leaves the executions of its old environment where
    /// it has not begun, and joins those of the new one that take in devices.
    ///
    /// # Errors
    /// The caller may not, or there is no such device or environment.
    pub async fn change_device(
        self: &Arc<Self>,
        call: &Call,
        device_id: String,
        change: DeviceChange,
    ) -> Result<DeviceView, AppError> {
        call.needs(Right::Devices)?;
        if let Some(environment) = &change.environment {
            self.configured(environment)
                .map_err(|error| AppError::invalid("environment", error.to_string()))?;
        }
        check_groups(change.groups.as_deref().unwrap_or_default())?;
        let work = move |tx: &Tx<'_>, call: &Call| {
            let before = find(tx, &device_id)?;
            if let Some(environment) = &change.environment {
                devices::move_to(tx, before.device_key, environment)?;
            }
            if let Some(groups) = &change.groups {
                devices::set_groups(tx, before.device_key, groups)?;
            }
            let key = before.device_key;
            let now_in = change.environment.as_ref().unwrap_or(&before.environment);
            let mut wake = comers::leave(tx, key, now_in, call.now)?;
            wake.extend(comers::join(tx, &device_id, call.now)?);
            let detail = serde_json::json!({ "before": views::device(before), "change": change });
            call.audit(tx, "device.change", &device_id, &detail)?;
            let roster = roster_of(tx, &[key])?;
            Ok(Done {
                value: views::device(find(tx, &device_id)?),
                aftermath: Aftermath {
                    roster,
                    wake,
                    ..Aftermath::default()
                },
            })
        };
        self.command(call, Right::Devices, work).await
    }

    /// A device with its history.
    ///
    /// # Errors
    /// The caller may not read, or there is no such device.
    pub async fn device(&self, call: &Call, device_id: String) -> Result<DeviceDetail, AppError> {
        call.needs(Right::Read)?;
        self.store
            .read(move |tx| {
                let device = find(tx, &device_id)?;
                let key = device.device_key;
                let executions = assignments::of_device(tx, key, HISTORY)?;
                let attempts = actions::of_device(tx, key, HISTORY)?;
                let attempts = attempts
                    .into_iter()
                    .map(|attempt| attempt_view(tx, attempt));
                Ok(DeviceDetail {
                    device: views::device(device),
                    executions: executions.iter().map(views::device_execution).collect(),
                    attempts: attempts.collect::<Result<_, AppError>>()?,
                })
            })
            .await
    }

    /// A page of devices, in the order in which they became known.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn devices(
        &self,
        call: &Call,
        filter: DeviceFilter,
        page: Page,
    ) -> Result<Paged<DeviceView>, AppError> {
        call.needs(Right::Read)?;
        let found = self
            .store
            .read(move |tx| devices::list(tx, &filter, page))
            .await?;
        Ok(Paged {
            rows: found.rows.into_iter().map(views::device).collect(),
            next: found.next,
        })
    }
}

fn attempt_view(tx: &Tx<'_>, attempt: actions::Attempt) -> Result<AttemptView, AppError> {
    let messages = actions::messages(tx, attempt.action_id, HISTORY)?;
    let message = |message: actions::Message| MessageView {
        at: views::time(message.at),
        report: message.report,
        details: serde_json::from_str(&message.detail).unwrap_or_default(),
    };
    Ok(AttemptView {
        action_id: attempt.action_id.0,
        kind: views::attempt_kind(attempt.kind).to_owned(),
        state: views::action_state(attempt.state).to_owned(),
        version: attempt.version,
        opened_at: views::time(attempt.opened_at),
        closed_at: attempt.closed_at.map(views::time),
        messages: messages.into_iter().map(message).collect(),
    })
}

pub(super) fn find(tx: &Tx<'_>, device_id: &str) -> Result<Device, AppError> {
    devices::find(tx, device_id)?.ok_or_else(|| AppError::not_found("device", device_id))
}

fn check_groups(groups: &[String]) -> Result<(), AppError> {
    let sound = |group: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        (1..=64).contains(&group.len()) && group.chars().all(plain)
    };
    match groups.iter().find(|group| !sound(group)) {
        None => Ok(()),
        Some(bad) => {
            let message = format!("`{bad}`: use up to 64 letters, digits and `-_.`");
            Err(AppError::invalid("groups", message))
        }
    }
}
