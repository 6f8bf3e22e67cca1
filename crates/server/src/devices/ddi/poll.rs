//! The base poll: when to come again, and what is open. Answered from memory.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use fleetward_core::device::{ActionState, Class};

use super::access::{self, Device};
use super::error::DdiError;
use super::links::Links;
use super::reply;
use crate::app::App;
use crate::devices::arrivals;

pub(super) async fn poll(
    State(app): State<Arc<App>>,
    Path((tenant, id)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, DdiError> {
    let device = access::known_or_new(&app, tenant, id, &headers).await?;
    app.polls.fetch_add(1, Ordering::Relaxed);
    if device.known.straggles == Some(Class::Absent) {
        arrivals::note(&app, &device.id, device.known.device_key).await?;
    }
    reply::json(&headers, body(&app, &device, &headers, &uri))
}

fn body(app: &App, device: &Device, headers: &HeaderMap, uri: &Uri) -> String {
    let known = &device.known;
    let seconds = interval(app, device);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut body = format!(
        r#"{{"config":{{"polling":{{"sleep":"{hours:02}:{minutes:02}:{:02}"}}}}"#,
        seconds % 60
    );
    if known.action.is_some() || known.wants_attributes {
        let links = Links::of(app, device, headers, uri);
        let action = known.action.as_ref().map(|action| match action.state {
            ActionState::Cancelling => ("cancelAction", links.cancel(action)),
            ActionState::Open | ActionState::Closed => ("deploymentBase", links.deployment(action)),
        });
        let wanted = known
            .wants_attributes
            .then(|| ("configData", links.config_data()));
        body.push_str(r#","_links":{"#);
        for (index, (rel, href)) in action.into_iter().chain(wanted).enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(body, r#"{comma}"{rel}":{{"href":"{href}"}}"#);
        }
        body.push('}');
    }
    body.push('}');
    body
}

/// Seconds until the next poll: short while something is open, else the long one, up to a tenth more
/// or less by device so that a fleet never comes at once.
fn interval(app: &App, device: &Device) -> u32 {
    const LONGEST: u32 = 86_399;
    let config = &app.config.devices;
    if device.known.action.is_some() || device.known.straggles.is_some() {
        return config.poll_interval_active.0.clamp(1, LONGEST);
    }
    let long = u64::from(config.poll_interval.0);
    let spread = long / 5;
    let share = (device.known.device_key.unsigned_abs()).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    let jittered = long - spread / 2 + spread * share / 0x1_0000;
    u32::try_from(jittered).unwrap_or(LONGEST).clamp(1, LONGEST)
}
