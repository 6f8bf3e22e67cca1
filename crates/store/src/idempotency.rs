//! Answers to requests that carried an `Idempotency-Key`, so that a repeat gets the same answer.

use fleetward_core::Timestamp;

use crate::params::params;
use crate::{StoreError, Tx};

/// What was answered before.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Digest of the request that the answer was for.
    pub request: String,
    /// The answer, as JSON.
    pub response: String,
}

/// The answer to an earlier request of the same principal with the same key.
///
/// # Errors
/// The database fails.
pub fn find(tx: &Tx<'_>, principal: &str, key: &str) -> Result<Option<Earlier>, StoreError> {
    tx.query_opt(
        "SELECT request, response FROM idempotency WHERE principal = $1 AND key = $2",
        params![principal, key],
        |row| {
            Ok(Earlier {
                request: row.text(0)?,
                response: row.text(1)?,
            })
        },
    )
}

/// Keeps an answer.
///
/// # Errors
/// The database fails.
pub fn keep(
    tx: &Tx<'_>,
    principal: &str,
    key: &str,
    answer: &Earlier,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO idempotency (principal, key, request, response, at)
         VALUES ($1, $2, $3, $4, $5)",
        params![principal, key, &answer.request, &answer.response, now],
    )
    .map(drop)
}

/// Forgets answers from before `limit`.
///
/// # Errors
/// The database fails.
pub fn forget_before(tx: &Tx<'_>, limit: Timestamp) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM idempotency WHERE at < $1", params![limit])
}
