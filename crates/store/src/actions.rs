//! Attempts at devices, under the numbers that devices know them by, and what devices said of them.

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, AttemptKind, Class, FailureKind};
use fleetward_core::ids::ActionId;

use crate::dialect;
use crate::params::params;
use crate::{Row, StoreError, Tx, tallies};

/// An attempt that a device is offered or asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAction {
    /// Its number.
    pub action_id: ActionId,
    /// What it is for.
    pub kind: AttemptKind,
    /// Offered, or asked to stop.
    pub state: ActionState,
    /// To fill the inactive slot only.
    pub staging: bool,
    /// What is offered.
    pub firmware_key: i64,
    /// The device came to fetch it.
    pub fetched: bool,
}

/// What a device's poll needs to know.
#[derive(Clone, Debug)]
pub struct RosterRow {
    /// The device's number here.
    pub device_key: i64,
    /// Its own id.
    pub device_id: String,
    /// The environment it is in.
    pub environment: String,
    /// SHA-256 of its token.
    pub token_hash: Option<[u8; 32]>,
    /// Its attributes are wanted.
    pub wants_attributes: bool,
    /// An execution has the update for it once it comes, or has come and waits for an offer.
    pub straggles: Option<Class>,
    /// What is open for it.
    pub action: Option<OpenAction>,
}

/// One attempt in a device's history.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its number.
    pub action_id: ActionId,
    /// What it was for.
    pub kind: AttemptKind,
    /// Its state.
    pub state: ActionState,
    /// The version that was offered.
    pub version: String,
    /// When it was offered.
    pub opened_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// How it failed.
    pub failure: Option<FailureKind>,
}

/// What a device said of an attempt.
#[derive(Clone, Debug)]
pub struct Message {
    /// When it came.
    pub at: Timestamp,
    /// What it meant.
    pub report: String,
    /// Its own words.
    pub detail: String,
}

pub(crate) fn state_name(state: ActionState) -> &'static str {
    match state {
        ActionState::Open => "open",
        ActionState::Cancelling => "cancelling",
        ActionState::Closed => "closed",
    }
}

pub(crate) fn kind(word: &str) -> Result<AttemptKind, StoreError> {
    match word {
        "deploy" => Ok(AttemptKind::Deploy),
        "rollback" => Ok(AttemptKind::Rollback),
        other => Err(StoreError::damaged(other)),
    }
}

pub(crate) fn state(word: &str) -> Result<ActionState, StoreError> {
    match word {
        "open" => Ok(ActionState::Open),
        "cancelling" => Ok(ActionState::Cancelling),
        "closed" => Ok(ActionState::Closed),
        other => Err(StoreError::damaged(other)),
    }
}

fn action_id(row: &Row<'_>, column: usize) -> Result<ActionId, StoreError> {
    row.small(column).map(ActionId)
}

const ROSTER: &str = "SELECT d.device_key, d.device_id, d.environment, d.token_hash,
        d.wants_attributes, a.action_id, a.kind, a.state, a.staging, a.firmware_key,
        s.status NOT IN ('pending', 'released'),
        (SELECT w.class FROM assignments w
            WHERE w.device_key = d.device_key AND w.class <> 'on_time' AND w.status = 'pending'
            ORDER BY w.execution_key DESC LIMIT 1)
     FROM devices d
     LEFT JOIN actions a ON a.device_key = d.device_key AND a.state <> 'closed'
     LEFT JOIN assignments s
        ON s.device_key = a.device_key AND s.execution_key = a.execution_key";

fn roster_row(row: &Row<'_>) -> Result<RosterRow, StoreError> {
    let action = match row.int_opt(5)? {
        None => None,
        Some(_) => Some(OpenAction {
            action_id: action_id(row, 5)?,
            kind: kind(&row.text(6)?)?,
            state: state(&row.text(7)?)?,
            staging: row.truth(8)?,
            firmware_key: row.int(9)?,
            fetched: row.truth(10)?,
        }),
    };
    Ok(RosterRow {
        device_key: row.int(0)?,
        device_id: row.text(1)?,
        environment: row.text(2)?,
        token_hash: row.hash_opt(3)?,
        wants_attributes: row.truth(4)?,
        straggles: match row.text_opt(11)? {
            None => None,
            Some(word) => Some(word.parse().map_err(StoreError::damaged)?),
        },
        action,
    })
}

/// What polls need to know of some devices.
///
/// # Errors
/// The database fails.
pub fn roster_of(tx: &Tx<'_>, devices: &[i64]) -> Result<Vec<RosterRow>, StoreError> {
    let wanted = serde_json::to_string(devices).map_err(StoreError::damaged)?;
    let list = dialect::list("$1");
    let sql = format!("{ROSTER} WHERE d.device_key IN {list}");
    tx.query(&sql, params![&wanted], roster_row)
}

/// What polls need to know, of the next devices after `after` by number.
///
/// # Errors
/// The database fails.
pub fn roster_after(tx: &Tx<'_>, after: i64, limit: u32) -> Result<Vec<RosterRow>, StoreError> {
    // Open actions are few beside devices: finding them through their own short index would need one
    // more index on the hot path, so the plain join by device is kept.
    let sql = format!("{ROSTER} WHERE d.device_key > $1 ORDER BY d.device_key LIMIT $2");
    tx.query(&sql, params![after, limit], roster_row)
}

/// A device's attempts, newest first.
///
/// # Errors
/// The database fails.
pub fn of_device(tx: &Tx<'_>, device_key: i64, limit: u32) -> Result<Vec<Attempt>, StoreError> {
    tx.query(
        "SELECT a.action_id, a.kind, a.state, f.version, a.opened_at, a.closed_at,
            COALESCE(a.failure, '')
         FROM actions a JOIN firmware f ON f.firmware_key = a.firmware_key
         WHERE a.device_key = $1 ORDER BY a.action_id DESC LIMIT $2",
        params![device_key, limit],
        |row| {
            Ok(Attempt {
                action_id: action_id(row, 0)?,
                kind: kind(&row.text(1)?)?,
                state: state(&row.text(2)?)?,
                version: row.text(3)?,
                opened_at: row.time(4)?,
                closed_at: row.time_opt(5)?,
                failure: tallies::failure(row.str(6)?)?,
            })
        },
    )
}

/// One attempt of a device, with the version that it offered.
///
/// # Errors
/// The database fails.
pub fn find(
    tx: &Tx<'_>,
    device_key: i64,
    action: ActionId,
) -> Result<Option<(OpenAction, bool)>, StoreError> {
    tx.query_opt(
        "SELECT a.action_id, a.kind, a.state, a.staging, a.firmware_key, s.status
         FROM actions a JOIN assignments s
            ON s.device_key = a.device_key AND s.execution_key = a.execution_key
         WHERE a.action_id = $1 AND a.device_key = $2",
        params![action.0, device_key],
        |row| {
            let status = row.text(5)?;
            let action = OpenAction {
                action_id: action_id(row, 0)?,
                kind: kind(&row.text(1)?)?,
                state: state(&row.text(2)?)?,
                staging: row.truth(3)?,
                firmware_key: row.int(4)?,
                fetched: true,
            };
            Ok((
                action,
                matches!(status.as_str(), "succeeded" | "rolled_back"),
            ))
        },
    )
}

/// The newest messages of an attempt, newest first.
///
/// # Errors
/// The database fails.
pub fn messages(tx: &Tx<'_>, action: ActionId, limit: u32) -> Result<Vec<Message>, StoreError> {
    tx.query(
        "SELECT at, report, detail FROM messages WHERE action_id = $1
         ORDER BY message_key DESC LIMIT $2",
        params![action.0, limit],
        |row| {
            Ok(Message {
                at: row.time(0)?,
                report: row.text(1)?,
                detail: row.text(2)?,
            })
        },
    )
}
