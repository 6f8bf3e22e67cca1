//! The installation that is measured: its configuration, its devices with their tokens, and what those send.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fleetward_core::Timestamp;
use fleetward_core::ids::ActionId;
use fleetward_server::auth;
use fleetward_server::config::{Config, Sources, check};
use fleetward_store::Store;
use fleetward_store::devices::{NewDevice, insert_many};
use tempfile::TempDir;

/// The admin key of every measured server.
pub(crate) const ADMIN: &str = "bench-admin-key-0123456789abcdef0123456789";
/// The one environment, also the tenant that devices call.
pub(crate) const ENVIRONMENT: &str = "production";
/// What a device says of its progress, in its own words.
pub(crate) const DETAIL: &str = "writing";

const CONFIG: &str = "
environments:
  production:
    stage: production
    approval_required: false
    enrollment: token
devices:
  poll_interval: 300
  poll_interval_active: 10
  device_timeout: 86400
";

/// The configuration of every measured server.
///
/// # Errors
/// It is no longer a configuration.
pub(crate) fn configuration() -> anyhow::Result<Config> {
    let sources = Sources::of(|_| None, |_| Err(std::io::ErrorKind::NotFound.into()));
    Ok(check("bench.yaml", CONFIG, &sources)?.0)
}

/// A new folder that goes away with the value.
///
/// # Errors
/// It can't be made in `parent`.
pub(crate) fn folder(parent: Option<&Path>) -> anyhow::Result<TempDir> {
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
    tempfile::Builder::new()
        .prefix("fleetward-bench-")
        .tempdir_in(&parent)
        .with_context(|| format!("can't make a folder in {}", parent.display()))
}

/// A new folder with a database that knows so many devices.
///
/// # Errors
/// It can't be made in `parent`.
pub(crate) async fn with_devices(parent: Option<&Path>, devices: u32) -> anyhow::Result<TempDir> {
    const AT_ONCE: usize = 10_000;
    let folder = folder(parent)?;
    let store = Store::open(folder.path(), 1)?;
    let indices: Vec<u32> = (0..devices).collect();
    for part in indices.chunks(AT_ONCE) {
        let new: Vec<NewDevice> = part.iter().map(|&index| new_device(index)).collect();
        let now = Timestamp::now();
        store.write(move |tx| insert_many(tx, &new, now)).await?;
    }
    Ok(folder)
}

/// Copies the files of a folder whose database is closed, and waits until the disk has them.
///
/// # Errors
/// A file can't be read or written.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for file in std::fs::read_dir(from)? {
        let file = file?;
        let copy: PathBuf = to.join(file.file_name());
        std::fs::copy(file.path(), &copy)?;
        std::fs::File::open(&copy)?.sync_all()?;
    }
    Ok(())
}

/// How long the disk takes to keep 4 KiB, the median of many times: what every durable figure rests on.
///
/// # Errors
/// The folder can't be written to.
pub(crate) fn cost_of_sync(folder: &Path) -> std::io::Result<Duration> {
    use std::io::Write as _;
    let path = folder.join("sync-probe");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// The id of a device.
pub(crate) fn device_id(index: u32) -> String {
    format!("device-{index:07}")
}

fn token(index: u32) -> String {
    format!("token-of-device-{index:07}")
}

fn new_device(index: u32) -> NewDevice {
    let revision = if index % 10 < 7 { "A" } else { "B" };
    NewDevice {
        device_id: device_id(index),
        environment: ENVIRONMENT.to_owned(),
        model: "pump".to_owned(),
        revision: revision.to_owned(),
        version: "1.0.0".to_owned(),
        token_hash: Some(auth::hash(&token(index))),
        ..NewDevice::default()
    }
}

/// A device's poll.
pub(crate) fn poll(index: u32) -> Box<[u8]> {
    let (id, token) = (device_id(index), token(index));
    let request = format!(
        "GET /{ENVIRONMENT}/controller/v1/{id} HTTP/1.1\r\nHost: fleetward.test\r\n\
         Accept: application/hal+json\r\nAuthorization: TargetToken {token}\r\n\r\n"
    );
    request.into_bytes().into()
}

/// A device's report that it is at work.
pub(crate) fn progress(index: u32, action: ActionId) -> Box<[u8]> {
    let (id, token) = (device_id(index), token(index));
    let body = format!(
        r#"{{"id":"{action}","status":{{"execution":"proceeding","result":{{"finished":"none","progress":{{"cnt":1,"of":4}}}},"details":["{DETAIL}"]}}}}"#
    );
    let length = body.len();
    let request = format!(
        "POST /{ENVIRONMENT}/controller/v1/{id}/deploymentBase/{action}/feedback HTTP/1.1\r\n\
         Host: fleetward.test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Authorization: TargetToken {token}\r\n\r\n{body}"
    );
    request.into_bytes().into()
}

/// The action that the answer to a poll offers.
pub(crate) fn offered(body: &[u8]) -> Option<ActionId> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("/deploymentBase/")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..digits].parse().ok().map(ActionId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_one() {
        let config = configuration().unwrap();
        assert!(config.environments.contains_key(ENVIRONMENT));
    }

    #[test]
    fn an_offer_is_found_in_its_link() {
        let link = br#"{"href":"http://h/production/controller/v1/d/deploymentBase/13?c=-7"}"#;
        assert_eq!(offered(link), Some(ActionId(13)));
        assert_eq!(offered(b"{}"), None);
    }
}
