//! What a device says of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use fleetward_store::devices::{self, Facts};
use serde_json::Value;

use super::access;
use super::client;
use super::error::DdiError;
use super::feedback::read;
use super::reply;
use super::wire::{ConfigData, Mode};
use crate::app::App;
use crate::devices::arrivals;

const KEY_MAX: usize = 128;
const VALUE_MAX: usize = 128;

/// Attributes that tell the hardware model, first match wins.
const MODEL: &[&str] = &["model", "hw_boardname", "hwModel", "board", "device_type"];
/// Attributes that tell the hardware revision.
const REVISION: &[&str] = &["hw_revision", "hwRevision", "revision"];
/// Attributes that tell the running version.
const VERSION: &[&str] = &["sw_version", "swVersion", "firmware_version", "version"];
/// The lowest version that the device may run, where its hardware or bootloader knows one.
const SECURITY_FLOOR: &[&str] = &["security_floor", "minimum_version"];
/// An attribute with which a device says itself whether it can fill a slot without switching to it.
const STAGING: &str = "fleetward.staging";

pub(super) async fn store(
    State(app): State<Arc<App>>,
    Path((tenant, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, DdiError> {
    let device = access::known(&app, tenant, id, &headers)?;
    let said: ConfigData = read(&headers, &body)?;
    if said.data.is_empty() {
        return Err(DdiError::Malformed("`data` is empty".to_owned()));
    }
    let client = client::name(&headers);
    let most = app.config.devices.max_attributes as usize;
    let describe = move |tx: &fleetward_store::Tx<'_>, known: devices::Device| {
        let (mode, said) = (said.mode.unwrap_or_default(), texts(said.data));
        let attributes = merged(known.attributes, mode, &said, most);
        let facts = facts(&attributes, mode, &said, &client);
        devices::set_attributes(tx, known.device_key, &attributes, &facts)
    };
    arrivals::described(&app, &device.id, describe).await?;
    Ok(reply::accepted())
}

/// What was said, as text. A client that is refused asks for nothing else until it is accepted, so
/// what is too long is cut.
fn texts(said: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    let cut_both = |(key, value): (String, _)| (cut(&key, KEY_MAX), cut(&text(value), VALUE_MAX));
    said.into_iter().map(cut_both).collect()
}

/// The attributes after what was said; what is too much is dropped.
fn merged(
    before: BTreeMap<String, String>,
    mode: Mode,
    said: &BTreeMap<String, String>,
    most: usize,
) -> BTreeMap<String, String> {
    let mut attributes = if mode == Mode::Replace {
        BTreeMap::new()
    } else {
        before
    };
    for (key, value) in said {
        if mode == Mode::Remove {
            attributes.remove(key);
        } else if attributes.len() < most || attributes.contains_key(key) {
            attributes.insert(key.clone(), value.clone());
        }
    }
    attributes
}

fn cut(text: &str, most: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}

/// What follows from what was said just now; an attribute of long ago says nothing of the version that
/// runs today.
fn facts<'a>(
    attributes: &BTreeMap<String, String>,
    mode: Mode,
    said: &'a BTreeMap<String, String>,
    client: &'a str,
) -> Facts<'a> {
    let first = |names: &[&str]| {
        let named = names.iter().find_map(|name| said.get(*name));
        let text = named.filter(|text| mode != Mode::Remove && !text.is_empty());
        text.map(String::as_str)
    };
    let staging = attributes.get(STAGING).map(|said| said == "true");
    Facts {
        model: first(MODEL),
        revision: first(REVISION),
        version: first(VERSION),
        client: Some(client),
        can_stage: Some(staging.unwrap_or_else(|| client::can_stage(client))),
        security_floor: first(SECURITY_FLOOR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &[(&str, &str)], said: &str) -> BTreeMap<String, String> {
        let before = before
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let said: ConfigData = serde_json::from_str(said).unwrap();
        merged(before, said.mode.unwrap_or_default(), &texts(said.data), 3)
    }

    #[test]
    fn modes_merge_replace_and_remove() {
        let before = [("a", "1"), ("b", "2")];
        let said = |mode: &str| after(&before, &format!(r#"{{"mode":{mode},"data":{{"b":"3"}}}}"#));
        assert_eq!(said("null").len(), 2);
        assert_eq!(said(r#""merge""#)["b"], "3");
        assert_eq!(said(r#""replace""#).len(), 1);
        assert_eq!(said(r#""remove""#).len(), 1);
    }

    #[test]
    fn too_much_is_dropped_and_too_long_is_cut() {
        let long = "x".repeat(500);
        let said = format!(r#"{{"data":{{"a":"{long}","b":1,"c":true,"d":"late"}}}}"#);
        let attributes = after(&[], &said);
        assert_eq!(attributes.len(), 3);
        assert_eq!(
            (attributes["a"].len(), attributes["b"].as_str()),
            (VALUE_MAX, "1")
        );
    }
}
