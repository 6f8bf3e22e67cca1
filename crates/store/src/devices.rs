//! Devices: who they are, where they belong, what they run.

mod candidates;

pub use candidates::{Candidate, Whereabouts, candidates, whereabouts};

use std::collections::BTreeMap;

use fleetward_core::Timestamp;
use serde::Serialize;

use crate::dialect;
use crate::page::{Page, Paged};
use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its number here.
    pub device_key: i64,
    /// Its own id.
    pub device_id: String,
    /// The environment it is in.
    pub environment: String,
    /// Hardware model, empty while unknown.
    pub model: String,
    /// Hardware revision, empty while unknown.
    pub revision: String,
    /// The version that it runs, empty while unknown.
    pub version: String,
    /// The groups that it is in.
    pub groups: Vec<String>,
    /// What it says of itself.
    pub attributes: BTreeMap<String, String>,
    /// It has a token of its own.
    pub has_token: bool,
    /// The program that speaks for it, as it names itself.
    pub client: String,
    /// It can fill a slot without switching to it.
    pub can_stage: bool,
    /// It did not go back and needs a person.
    pub quarantined: bool,
    /// When it was first known.
    pub registered_at: Timestamp,
    /// When it was last heard of, to within the flush interval.
    pub last_seen_at: Option<Timestamp>,
}

/// A device to be made known.
#[derive(Clone, Debug, Default)]
pub struct NewDevice {
    /// Its own id.
    pub device_id: String,
    /// The environment it belongs to.
    pub environment: String,
    /// Hardware model.
    pub model: String,
    /// Hardware revision.
    pub revision: String,
    /// The version that it runs.
    pub version: String,
    /// The groups that it is in.
    pub groups: Vec<String>,
    /// SHA-256 of its token.
    pub token_hash: Option<[u8; 32]>,
    /// The program that speaks for it.
    pub client: String,
    /// It can fill a slot without switching to it.
    pub can_stage: bool,
}

/// Which devices to list; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    /// In this environment.
    pub environment: Option<String>,
    /// Running this version.
    pub version: Option<String>,
    /// Of this model.
    pub model: Option<String>,
    /// With this in their id.
    pub search: Option<String>,
    /// Needing a person.
    pub quarantined: Option<bool>,
}

const COLUMNS: &str = "device_key, device_id, environment, model, revision, version, device_groups, \
     attributes, token_hash IS NOT NULL, client, can_stage, quarantined, registered_at, last_seen_at";

fn device(row: &Row<'_>) -> Result<Device, StoreError> {
    Ok(Device {
        device_key: row.int(0)?,
        device_id: row.text(1)?,
        environment: row.text(2)?,
        model: row.text(3)?,
        revision: row.text(4)?,
        version: row.text(5)?,
        groups: groups(&row.text(6)?),
        attributes: row.json(7)?,
        has_token: row.truth(8)?,
        client: row.text(9)?,
        can_stage: row.truth(10)?,
        quarantined: row.truth(11)?,
        registered_at: row.time(12)?,
        last_seen_at: row.time_opt(13)?,
    })
}

/// Groups are stored as `,a,b,` so that one of them is found as `,a,`.
fn groups(stored: &str) -> Vec<String> {
    stored
        .split(',')
        .filter(|group| !group.is_empty())
        .map(str::to_owned)
        .collect()
}

fn stored_groups(groups: &[String]) -> String {
    groups
        .iter()
        .fold(",".to_owned(), |list, group| list + group + ",")
}

/// Makes a device known.
///
/// # Errors
/// The id is taken ([`StoreError::is_duplicate`]), or the database fails.
pub fn insert(tx: &Tx<'_>, new: &NewDevice, now: Timestamp) -> Result<i64, StoreError> {
    tx.query_one(
        "INSERT INTO devices (device_id, environment, model, revision, version, device_groups,
            token_hash, client, can_stage, registered_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING device_key",
        params![
            &new.device_id,
            &new.environment,
            &new.model,
            &new.revision,
            &new.version,
            &stored_groups(&new.groups),
            new.token_hash.as_ref(),
            &new.client,
            new.can_stage,
            now,
        ],
        |row| row.int(0),
    )
}

/// Makes many devices known at once; for imports and measurements.
///
/// # Errors
/// As [`insert`].
pub fn insert_many(tx: &Tx<'_>, new: &[NewDevice], now: Timestamp) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct Line<'a> {
        id: &'a str,
        env: &'a str,
        model: &'a str,
        revision: &'a str,
        version: &'a str,
        token: Option<String>,
    }
    let rows = dialect::rows(
        "$1",
        &["id", "env", "model", "revision", "version", "token"],
    );
    let sql = format!(
        "INSERT INTO devices (device_id, environment, model, revision, version, token_hash,
            wants_attributes, registered_at)
         SELECT id, env, model, revision, version, unhex(token), 0, $2 FROM {rows}"
    );
    for chunk in new.chunks(10_000) {
        let lines: Vec<Line<'_>> = chunk
            .iter()
            .map(|d| Line {
                id: &d.device_id,
                env: &d.environment,
                model: &d.model,
                revision: &d.revision,
                version: &d.version,
                token: d
                    .token_hash
                    .map(|hash| hash.iter().map(|b| format!("{b:02x}")).collect()),
            })
            .collect();
        let json = serde_json::to_string(&lines).map_err(StoreError::damaged)?;
        tx.execute(&sql, params![&json, now])?;
    }
    Ok(())
}

/// One device by its own id.
///
/// # Errors
/// The database fails.
pub fn find(tx: &Tx<'_>, device_id: &str) -> Result<Option<Device>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM devices WHERE device_id = $1");
    tx.query_opt(&sql, params![device_id], device)
}

/// A page of devices in the order in which they became known.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Tx<'_>, filter: &DeviceFilter, page: Page) -> Result<Paged<Device>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM devices
         WHERE device_key > $1
           AND ($2 IS NULL OR environment = $2)
           AND ($3 IS NULL OR version = $3)
           AND ($4 IS NULL OR model = $4)
           AND ($5 IS NULL OR instr(device_id, $5) > 0)
           AND ($6 IS NULL OR quarantined = $6)
         ORDER BY device_key LIMIT $7"
    );
    let values = params![
        page.after.unwrap_or(0),
        filter.environment.as_ref(),
        filter.version.as_ref(),
        filter.model.as_ref(),
        filter.search.as_ref(),
        filter.quarantined,
        page.limit + 1,
    ];
    let found = tx.query(&sql, values, |row| device(row).map(|d| (d.device_key, d)))?;
    Ok(Paged::cut(found, page.limit))
}

/// How many devices each environment has, and how many run each version there.
///
/// # Errors
/// The database fails.
pub fn versions(tx: &Tx<'_>, environment: &str) -> Result<Vec<(String, u64)>, StoreError> {
    tx.query(
        "SELECT version, COUNT(*) FROM devices WHERE environment = $1
         GROUP BY version ORDER BY 2 DESC, 1",
        params![environment],
        |row| Ok((row.text(0)?, row.count(1)?)),
    )
}

/// Replaces a device's attributes, and takes model, revision and version out of the well-known ones.
/// Attributes are wanted no longer.
///
/// # Errors
/// The database fails.
pub fn set_attributes(
    tx: &Tx<'_>,
    device_key: i64,
    attributes: &BTreeMap<String, String>,
    facts: &Facts<'_>,
) -> Result<(), StoreError> {
    let json = serde_json::to_string(attributes).map_err(StoreError::damaged)?;
    tx.execute(
        "UPDATE devices SET attributes = $2, model = COALESCE($3, model),
            revision = COALESCE($4, revision), version = COALESCE($5, version),
            client = COALESCE($6, client), can_stage = COALESCE($7, can_stage),
            security_floor = COALESCE($8, security_floor), wants_attributes = 0
         WHERE device_key = $1",
        params![
            device_key,
            &json,
            facts.model,
            facts.revision,
            facts.version,
            facts.client,
            facts.can_stage,
            facts.security_floor
        ],
    )?;
    Ok(())
}

/// What attributes and requests say of a device; absent facts change nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// Hardware model.
    pub model: Option<&'a str>,
    /// Hardware revision.
    pub revision: Option<&'a str>,
    /// The version that it runs.
    pub version: Option<&'a str>,
    /// The program that speaks for it.
    pub client: Option<&'a str>,
    /// It can fill a slot without switching to it.
    pub can_stage: Option<bool>,
    /// The lowest version that it may run.
    pub security_floor: Option<&'a str>,
}

/// Moves a device to another environment.
///
/// # Errors
/// The database fails.
pub fn move_to(tx: &Tx<'_>, device_key: i64, environment: &str) -> Result<(), StoreError> {
    let sql = "UPDATE devices SET environment = $2 WHERE device_key = $1";
    tx.execute(sql, params![device_key, environment]).map(drop)
}

/// Sets a device's groups.
///
/// # Errors
/// The database fails.
pub fn set_groups(tx: &Tx<'_>, device_key: i64, groups: &[String]) -> Result<(), StoreError> {
    let sql = "UPDATE devices SET device_groups = $2 WHERE device_key = $1";
    tx.execute(sql, params![device_key, &stored_groups(groups)])
        .map(drop)
}

/// Stores when devices were last heard of.
///
/// # Errors
/// The database fails.
pub fn seen(tx: &Tx<'_>, seen: &[(i64, Timestamp)]) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct Line {
        device: i64,
        at: i64,
    }
    let lines: Vec<Line> = seen
        .iter()
        .map(|(device, at)| Line {
            device: *device,
            at: at.as_millisecond(),
        })
        .collect();
    let json = serde_json::to_string(&lines).map_err(StoreError::damaged)?;
    let rows = dialect::rows("$1", &["device", "at"]);
    let sql = format!(
        "UPDATE devices SET last_seen_at = heard.at FROM {rows} AS heard
         WHERE device_key = heard.device"
    );
    tx.execute(&sql, params![&json]).map(drop)
}

/// How many devices need a person.
///
/// # Errors
/// The database fails.
pub fn quarantined(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.query_one(
        "SELECT COUNT(*) FROM devices WHERE quarantined = 1",
        &[],
        |row| row.count(0),
    )
}
