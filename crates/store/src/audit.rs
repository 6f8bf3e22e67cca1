//! Who changed what, when and from where; written in the transaction of the change.

use fleetward_core::Timestamp;
use serde::Serialize;

use crate::page::{Page, Paged};
use crate::params::params;
use crate::{StoreError, Tx};

/// One change, to be written.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Who.
    pub actor: &'a str,
    /// From where: an address, or the part of the program.
    pub source: &'a str,
    /// What was done, as `noun.verb`.
    pub action: &'a str,
    /// To what.
    pub object: &'a str,
}

/// One change, as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// Its place, from 1, without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From where.
    pub source: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// The particulars.
    pub detail: serde_json::Value,
}

/// Writes an entry.
///
/// # Errors
/// The database fails.
pub fn write(
    tx: &Tx<'_>,
    entry: &Entry<'_>,
    detail: &impl Serialize,
    now: Timestamp,
) -> Result<(), StoreError> {
    let detail = serde_json::to_string(detail).map_err(StoreError::damaged)?;
    tx.execute(
        "INSERT INTO audit (at, actor, source, action, object, detail)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            now,
            entry.actor,
            entry.source,
            entry.action,
            entry.object,
            &detail
        ],
    )
    .map(drop)
}

/// A page of entries, newest first, of one object where one is named.
///
/// # Errors
/// The database fails.
pub fn list(
    tx: &Tx<'_>,
    object: Option<&str>,
    page: Page,
) -> Result<Paged<StoredEntry>, StoreError> {
    let found = tx.query(
        "SELECT number, at, actor, source, action, object, detail FROM audit
         WHERE number < $1 AND ($2 IS NULL OR object = $2) ORDER BY number DESC LIMIT $3",
        params![page.after.unwrap_or(i64::MAX), object, page.limit + 1],
        |row| {
            let entry = StoredEntry {
                number: row.int(0)?,
                at: row.time(1)?,
                actor: row.text(2)?,
                source: row.text(3)?,
                action: row.text(4)?,
                object: row.text(5)?,
                detail: row.json(6)?,
            };
            Ok((entry.number, entry))
        },
    )?;
    Ok(Paged::cut(found, page.limit))
}
