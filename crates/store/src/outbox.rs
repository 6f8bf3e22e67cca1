//! What is to be told to the outside, written with its cause and delivered at least once.

use fleetward_core::Timestamp;

use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One thing to tell.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place; receivers drop what they have seen.
    pub number: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The execution that it is about.
    pub execution_key: i64,
    /// What happened, as `noun.verb`.
    pub kind: String,
    /// The particulars.
    pub body: serde_json::Value,
}

fn event(row: &Row<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        number: row.int(0)?,
        at: row.time(1)?,
        execution_key: row.int(2)?,
        kind: row.text(3)?,
        body: row.json(4)?,
    })
}

const COLUMNS: &str = "number, at, execution_key, kind, body";

/// Puts something in.
///
/// # Errors
/// The database fails.
pub fn put(
    tx: &Tx<'_>,
    execution_key: i64,
    kind: &str,
    body: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO outbox (at, execution_key, kind, body) VALUES ($1, $2, $3, $4)",
        params![now, execution_key, kind, &body.to_string()],
    )
    .map(drop)
}

/// What waits to be delivered, oldest first.
///
/// # Errors
/// The database fails.
pub fn waiting(tx: &Tx<'_>, limit: u32) -> Result<Vec<Event>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM outbox WHERE delivered_at IS NULL ORDER BY number LIMIT $1");
    tx.query(&sql, params![limit], event)
}

/// Notes that everything up to `number` was delivered.
///
/// # Errors
/// The database fails.
pub fn delivered(tx: &Tx<'_>, number: i64, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE outbox SET delivered_at = $2 WHERE number <= $1 AND delivered_at IS NULL",
        params![number, now],
    )
    .map(drop)
}

/// What happened to an execution after the event `after`, oldest first.
///
/// # Errors
/// The database fails.
pub fn of_execution(
    tx: &Tx<'_>,
    execution_key: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox WHERE execution_key = $1 AND number > $2
         ORDER BY number LIMIT $3"
    );
    tx.query(&sql, params![execution_key, after, limit], event)
}
