//! API keys. Only their hashes are stored.

use fleetward_core::Timestamp;

use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its public id, also the first part of the key.
    pub key_id: String,
    /// What it is for.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "key_id, name, role, hash, created_at, created_by, expires_at, revoked_at";

fn key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        key_id: row.text(0)?,
        name: row.text(1)?,
        role: row.text(2)?,
        hash: row
            .hash_opt(3)?
            .ok_or_else(|| StoreError::damaged("a key's hash"))?,
        created_at: row.time(4)?,
        created_by: row.text(5)?,
        expires_at: row.time_opt(6)?,
        revoked_at: row.time_opt(7)?,
    })
}

/// Adds a key.
///
/// # Errors
/// The id or the key exists ([`StoreError::is_duplicate`]), or the database fails.
pub fn insert(tx: &Tx<'_>, new: &ApiKey) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO api_keys (key_id, name, role, hash, created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            &new.key_id,
            &new.name,
            &new.role,
            &new.hash,
            new.created_at,
            &new.created_by,
            new.expires_at,
        ],
    )
    .map(drop)
}

/// All keys, oldest first.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Tx<'_>) -> Result<Vec<ApiKey>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys ORDER BY created_at, key_id");
    tx.query(&sql, &[], key)
}

/// Revokes a key; false where there is none, or it was revoked before.
///
/// # Errors
/// The database fails.
pub fn revoke(tx: &Tx<'_>, key_id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, params![key_id, now])? == 1)
}

/// Adds a key, in the place of an older one with its id.
///
/// # Errors
/// The key exists under another id, or the database fails.
pub fn replace(tx: &Tx<'_>, new: &ApiKey) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM api_keys WHERE key_id = $1",
        params![&new.key_id],
    )?;
    insert(tx, new)
}
