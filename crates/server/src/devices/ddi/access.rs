//! Who a device is: its own token, a gateway's token, or an environment that takes anyone; and the
//! first contact, which makes a device known.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use fleetward_core::ids::check_device_id;
use fleetward_store::actions::roster_of;
use fleetward_store::audit;
use fleetward_store::devices::{self, NewDevice};
use subtle::ConstantTimeEq as _;

use super::client;
use super::error::DdiError;
use crate::app::App;
use crate::auth::hash;
use crate::config::{Enrollment, Environment};
use crate::roster::Known;

/// What a device presents.
enum Credential<'a> {
    Target(&'a str),
    Gateway(&'a str),
    Nothing,
}

/// A device that may speak.
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) known: Known,
}

/// A known device with a credential that works.
pub(crate) fn known(
    app: &App,
    tenant: String,
    id: String,
    headers: &HeaderMap,
) -> Result<Device, DdiError> {
    named(app, &tenant)?;
    let known = recognise(app, &id, headers)?.ok_or(DdiError::Unauthorized)?;
    Ok(Device { id, tenant, known })
}

/// A known device, or a new one that may join.
pub(crate) async fn known_or_new(
    app: &Arc<App>,
    tenant: String,
    id: String,
    headers: &HeaderMap,
) -> Result<Device, DdiError> {
    let named = named(app, &tenant)?;
    if let Some(known) = recognise(app, &id, headers)? {
        return Ok(Device { id, tenant, known });
    }
    check_device_id(&id).map_err(|error| DdiError::BadId(error.to_string()))?;
    let environment = may_join(app, named, headers)?;
    register(app, &environment, &id, headers).await?;
    // Another first contact may have come before this one, with another token.
    let known = recognise(app, &id, headers)?.ok_or(DdiError::Internal)?;
    Ok(Device { id, tenant, known })
}

fn recognise(app: &App, id: &str, headers: &HeaderMap) -> Result<Option<Known>, DdiError> {
    let proves = |known: &Known| {
        let environment = app.config.environments.get(&*known.environment);
        match credential(headers) {
            Credential::Target(token) => {
                known.token_hash.is_some_and(|stored| same(&stored, token))
            }
            Credential::Gateway(token) => environment.is_some_and(|env| is_gateway(env, token)),
            Credential::Nothing => {
                let open = environment.is_some_and(|env| env.enrollment == Enrollment::Open);
                open && known.token_hash.is_none()
            }
        }
    };
    match app.roster.meet(id, app.clock.now(), proves) {
        Some((known, true)) => Ok(Some(known)),
        Some((_, false)) => Err(DdiError::Unauthorized),
        None => Ok(None),
    }
}

fn credential(headers: &HeaderMap) -> Credential<'_> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match value.and_then(|value| value.split_once(' ')) {
        Some(("TargetToken", token)) => Credential::Target(token.trim_end()),
        Some(("GatewayToken", token)) => Credential::Gateway(token.trim_end()),
        Some(_) | None => Credential::Nothing,
    }
}

fn same(stored: &[u8; 32], token: &str) -> bool {
    stored.ct_eq(&hash(token)).into()
}

fn is_gateway(environment: &Environment, token: &str) -> bool {
    let tokens = environment.gateway_tokens.iter();
    tokens.fold(false, |found, known| {
        found | same(&hash(known.expose()), token)
    })
}

/// The environment that a tenant names; none where it is `DEFAULT`, which is all of them.
fn named<'a>(app: &'a App, tenant: &str) -> Result<Option<(&'a str, &'a Environment)>, DdiError> {
    if tenant.eq_ignore_ascii_case("DEFAULT") {
        return Ok(None);
    }
    let mut all = app.config.environments.iter();
    let found = all.find(|(name, _)| name.eq_ignore_ascii_case(tenant));
    match found {
        Some((name, environment)) => Ok(Some((name, environment))),
        None => Err(DdiError::NotFound("tenant")),
    }
}

/// The environment that a new device joins: the one its tenant names; for the tenant `DEFAULT` the one
/// that its gateway token belongs to, or the only one that is open to anyone.
fn may_join(
    app: &App,
    named: Option<(&str, &Environment)>,
    headers: &HeaderMap,
) -> Result<String, DdiError> {
    let credential = credential(headers);
    let proved = |environment: &Environment| match &credential {
        Credential::Gateway(token) => is_gateway(environment, token),
        Credential::Target(_) | Credential::Nothing => false,
    };
    let welcomes = |environment: &Environment| match (&credential, environment.enrollment) {
        (Credential::Gateway(_), Enrollment::Open | Enrollment::Token) => proved(environment),
        (Credential::Target(_) | Credential::Nothing, Enrollment::Open) => true,
        (_, Enrollment::Closed) | (Credential::Target(_) | Credential::Nothing, _) => false,
    };
    let asked = named.map_or_else(|| app.config.path(), |one| vec![one]);
    let mut welcoming = asked
        .iter()
        .filter(|(_, environment)| welcomes(environment));
    match (welcoming.next(), welcoming.next()) {
        (Some((name, _)), None) => Ok((*name).to_owned()),
        (None, _) if asked.iter().any(|(_, environment)| proved(environment)) => {
            Err(DdiError::Closed)
        }
        (None | Some(_), _) => Err(DdiError::Unauthorized),
    }
}

async fn register(
    app: &Arc<App>,
    environment: &str,
    id: &str,
    headers: &HeaderMap,
) -> Result<(), DdiError> {
    let client = client::name(headers);
    let token_hash = match credential(headers) {
        Credential::Target(token) => Some(hash(token)),
        Credential::Gateway(_) | Credential::Nothing => None,
    };
    let new = NewDevice {
        device_id: id.to_owned(),
        environment: environment.to_owned(),
        token_hash,
        can_stage: client::can_stage(&client),
        client,
        ..NewDevice::default()
    };
    let now = app.clock.now();
    let roster = Arc::clone(&app.roster);
    let insert = move |tx: &fleetward_store::Tx<'_>| {
        let key = match devices::find(tx, &new.device_id)? {
            Some(known) => known.device_key,
            None => {
                let key = devices::insert(tx, &new, now)?;
                let entry = audit::Entry {
                    actor: &new.device_id,
                    source: "ddi",
                    action: "device.join",
                    object: &new.device_id,
                };
                audit::write(
                    tx,
                    &entry,
                    &serde_json::json!({"environment": new.environment}),
                    now,
                )?;
                key
            }
        };
        roster_of(tx, &[key])
    };
    let follow = move |rows: &Vec<_>| roster.refresh(rows);
    app.store
        .write_then(insert, follow)
        .await
        .map(drop)
        .map_err(DdiError::from)
}
