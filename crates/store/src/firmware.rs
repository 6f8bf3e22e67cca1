//! Versions and the images behind them.

use fleetward_core::Timestamp;
use fleetward_core::firmware::Hardware;

use crate::page::{Page, Paged};
use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One version.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// Its number here.
    pub firmware_key: i64,
    /// Its public id.
    pub firmware_id: String,
    /// The version.
    pub version: String,
    /// What it is called.
    pub name: String,
    /// The image's format.
    pub format: String,
    /// The image's file name, as devices see it.
    pub file_name: String,
    /// The image's size in bytes.
    pub size: u64,
    /// Hex digest; also the image's address.
    pub sha256: String,
    /// Hex digest, for devices that check this one.
    pub sha1: String,
    /// Hex digest, for devices that check this one.
    pub md5: String,
    /// The hardware that it fits; all when empty.
    pub hardware: Vec<Hardware>,
    /// The image carries a signature.
    pub signed: bool,
    /// What was noticed while reading the image.
    pub findings: Vec<String>,
    /// When and by whom it was withdrawn.
    pub withdrawn: Option<(Timestamp, String)>,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// Who uploaded it.
    pub created_by: String,
}

const COLUMNS: &str = "firmware_key, firmware_id, version, name, format, file_name, size, sha256, \
     sha1, md5, hardware, signed, findings, withdrawn_at, withdrawn_by, created_at, created_by";

fn firmware(row: &Row<'_>) -> Result<Firmware, StoreError> {
    Ok(Firmware {
        firmware_key: row.int(0)?,
        firmware_id: row.text(1)?,
        version: row.text(2)?,
        name: row.text(3)?,
        format: row.text(4)?,
        file_name: row.text(5)?,
        size: row.count(6)?,
        sha256: row.text(7)?,
        sha1: row.text(8)?,
        md5: row.text(9)?,
        hardware: row.json(10)?,
        signed: row.truth(11)?,
        findings: row.json(12)?,
        withdrawn: row.time_opt(13)?.zip(row.text_opt(14)?),
        created_at: row.time(15)?,
        created_by: row.text(16)?,
    })
}

/// Adds a version; its key is given, not taken from `new`.
///
/// # Errors
/// The version exists ([`StoreError::is_duplicate`]), or the database fails.
pub fn insert(tx: &Tx<'_>, new: &Firmware) -> Result<i64, StoreError> {
    let hardware = serde_json::to_string(&new.hardware).map_err(StoreError::damaged)?;
    let findings = serde_json::to_string(&new.findings).map_err(StoreError::damaged)?;
    tx.query_one(
        "INSERT INTO firmware (firmware_id, version, name, format, file_name, size, sha256, sha1,
            md5, hardware, signed, findings, state, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'available', $13, $14)
         RETURNING firmware_key",
        params![
            &new.firmware_id,
            &new.version,
            &new.name,
            &new.format,
            &new.file_name,
            new.size,
            &new.sha256,
            &new.sha1,
            &new.md5,
            &hardware,
            new.signed,
            &findings,
            new.created_at,
            &new.created_by,
        ],
        |row| row.int(0),
    )
}

/// One version by its public id or its version.
///
/// # Errors
/// The database fails.
pub fn find(tx: &Tx<'_>, name: &str) -> Result<Option<Firmware>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM firmware WHERE firmware_id = $1 OR version = $1
         ORDER BY firmware_id <> $1 LIMIT 1"
    );
    tx.query_opt(&sql, params![name], firmware)
}

/// One version by its number.
///
/// # Errors
/// The database fails.
pub fn by_key(tx: &Tx<'_>, firmware_key: i64) -> Result<Option<Firmware>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM firmware WHERE firmware_key = $1");
    tx.query_opt(&sql, params![firmware_key], firmware)
}

/// A page of versions, newest first.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Tx<'_>, page: Page) -> Result<Paged<Firmware>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM firmware WHERE firmware_key < $1 ORDER BY firmware_key DESC LIMIT $2"
    );
    let values = params![page.after.unwrap_or(i64::MAX), page.limit + 1];
    let found = tx.query(&sql, values, |row| {
        firmware(row).map(|f| (f.firmware_key, f))
    })?;
    Ok(Paged::cut(found, page.limit))
}

/// Withdraws a version; false where it was withdrawn before.
///
/// # Errors
/// The database fails.
pub fn withdraw(
    tx: &Tx<'_>,
    firmware_key: i64,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE firmware SET state = 'withdrawn', withdrawn_at = $2, withdrawn_by = $3
         WHERE firmware_key = $1 AND state = 'available'",
        params![firmware_key, now, by],
    )?;
    Ok(changed == 1)
}
