//! Telling devices to go back to the version they had.

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_core::ids::ActionId;

use super::offer::reserve;
use super::{counted, in_chunks, recount};
use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

const TOOK_IT: &str = "status IN ('succeeded', 'timed_out')";

/// Recalls every device that runs the update, or that fetched it and was lost. A device whose earlier
/// image is not here can't go back and is named.
pub(super) fn recall(
    tx: &Tx<'_>,
    execution_key: i64,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let can = format!("{TOOK_IT} AND previous_firmware_key IS NOT NULL");
    let cannot = format!("{TOOK_IT} AND previous_firmware_key IS NULL");
    let going = counted(tx, &can, params![execution_key])?;
    recount(tx, execution_key, going, |_, late| {
        (DeviceStatus::RollingBack, late)
    })?;
    let stuck = counted(tx, &cannot, params![execution_key])?;
    recount(tx, execution_key, stuck, |_, late| {
        (DeviceStatus::RollbackFailed, late)
    })?;
    name_stuck(tx, execution_key, &cannot, now)?;
    let sql = format!(
        "SELECT device_key FROM assignments WHERE execution_key = $1 AND {can} ORDER BY device_key"
    );
    let devices = tx.query(&sql, params![execution_key], |row| row.int(0))?;
    let first = reserve(tx, devices.len())?;
    offer_back(tx, execution_key, &devices, first, deadline, now)?;
    Ok(devices)
}

fn name_stuck(
    tx: &Tx<'_>,
    execution_key: i64,
    stuck: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE devices SET quarantined = 1 WHERE device_key IN (
            SELECT device_key FROM assignments WHERE execution_key = $1 AND {stuck})"
    );
    tx.execute(&sql, params![execution_key])?;
    let sql = format!(
        "UPDATE assignments SET status = 'rollback_failed', failure = 'no_earlier_image',
            deadline = NULL, updated_at = $2
         WHERE execution_key = $1 AND {stuck}"
    );
    tx.execute(&sql, params![execution_key, now]).map(drop)
}

fn offer_back(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: &[i64],
    first: i64,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let list = dialect::list("$1");
    let chosen = dialect::numbered_list("$1");
    let end = format!(
        "UPDATE actions SET state = 'closed', closed_at = $2
         WHERE state <> 'closed' AND device_key IN {list}"
    );
    let insert = format!(
        "INSERT INTO actions (action_id, execution_key, device_key, kind, state, firmware_key,
            opened_at)
         SELECT $2 + chosen.place * $3, $4, chosen.device, 'rollback', 'open',
            a.previous_firmware_key, $5
         FROM {chosen} AS chosen JOIN assignments a
            ON a.device_key = chosen.device AND +a.execution_key = $4"
    );
    let update = format!(
        "UPDATE assignments SET status = 'rolling_back', action_id = $2 + chosen.place * $3,
            deadline = $5, updated_at = $6
         FROM {chosen} AS chosen
         WHERE device_key = chosen.device AND +execution_key = $4"
    );
    let step = ActionId::STEP;
    in_chunks(devices, |json, done| {
        let base = first + done * i64::from(step);
        tx.execute(&end, params![json, now])?;
        tx.execute(&insert, params![json, base, step, execution_key, now])?;
        tx.execute(
            &update,
            params![json, base, step, execution_key, deadline, now],
        )
        .map(drop)
    })
}
