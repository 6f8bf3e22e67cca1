//! Taking offers back, and asking devices under way to stop.

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;

use super::{counted, recount};
use crate::params::params;
use crate::{StoreError, Tx};

const UNDER_WAY: &str = "status IN ('downloading', 'installing', 'rebooting', 'verifying')";

/// Takes the offer back from every device that has not come to fetch it.
pub(super) fn withdraw(
    tx: &Tx<'_>,
    execution_key: i64,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let idle = counted(
        tx,
        "status IN ('pending', 'released')",
        params![execution_key],
    )?;
    recount(tx, execution_key, idle, |_, late| {
        (DeviceStatus::Cancelled, late)
    })?;
    let changed = tx.query(
        "UPDATE actions SET state = 'closed', closed_at = $2
         WHERE state <> 'closed' AND action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND status = 'released')
         RETURNING device_key",
        params![execution_key, now],
        |row| row.int(0),
    )?;
    tx.execute(
        "UPDATE assignments SET status = 'cancelled', deadline = NULL, updated_at = $2
         WHERE execution_key = $1 AND status IN ('pending', 'released')",
        params![execution_key, now],
    )?;
    Ok(changed)
}

/// Asks the devices under way to stop.
pub(super) fn stop(
    tx: &Tx<'_>,
    execution_key: i64,
    deadline: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let sql = format!(
        "UPDATE assignments SET deadline = COALESCE(deadline, $2)
         WHERE execution_key = $1 AND {UNDER_WAY}"
    );
    tx.execute(&sql, params![execution_key, deadline])?;
    let sql = format!(
        "UPDATE actions SET state = 'cancelling'
         WHERE state = 'open' AND action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND {UNDER_WAY})
         RETURNING device_key"
    );
    tx.query(&sql, params![execution_key], |row| row.int(0))
}

/// Takes every open offer of a version back, also where its execution is over and only devices that
/// are late still have it; asks those under way to stop.
///
/// # Errors
/// The database fails.
pub fn take_back(
    tx: &Tx<'_>,
    firmware_key: i64,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let executions = tx.query(
        "SELECT DISTINCT execution_key FROM actions
         WHERE state <> 'closed' AND kind = 'deploy' AND firmware_key = $1",
        params![firmware_key],
        |row| row.int(0),
    )?;
    let mut changed = Vec::new();
    for execution_key in executions {
        changed.extend(withdraw(tx, execution_key, now)?);
        changed.extend(stop(tx, execution_key, deadline)?);
    }
    Ok(changed)
}
