//! Taking offers back, and asking devices under way to stop.

use fleetward_core::Timestamp;
use fleetward_core::device::{DeviceStatus, FailureKind};
use fleetward_core::engine::Slot;

use super::{LOST, counted, recount};
use crate::params::params;
use crate::{StoreError, Tx};

const UNDER_WAY: &str = "status IN ('downloading', 'installing', 'rebooting', 'verifying')";

/// Takes the offer back from every device that has not come to fetch it, and offers it to none that
/// waits; only to those that came late or joined, where that is all that is asked. Devices that were lost
/// with an earlier attempt and wait for another are given up, so that a way back reaches them.
pub(super) fn withdraw(
    tx: &Tx<'_>,
    execution_key: i64,
    stragglers_only: bool,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let whose = if stragglers_only {
        "AND class <> 'on_time'"
    } else {
        ""
    };
    let set = format!("status IN ('pending', 'released') {whose}");
    let lost = counted(tx, &format!("{set} AND {LOST}"), params![execution_key])?;
    let given_up = |slot: Slot| Slot {
        status: DeviceStatus::TimedOut,
        class: slot.class,
        failure: Some(FailureKind::TimedOut),
    };
    let any_lost = !lost.is_empty();
    recount(tx, execution_key, lost, given_up)?;
    let unheard = if any_lost {
        format!("{set} AND NOT ({LOST})")
    } else {
        set.clone()
    };
    let idle = counted(tx, &unheard, params![execution_key])?;
    recount(tx, execution_key, idle, |slot| {
        Slot::new(DeviceStatus::Cancelled, slot.class)
    })?;
    let close = format!(
        "UPDATE actions SET state = 'closed', closed_at = $2
         WHERE +state <> 'closed' AND action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND status = 'released' {whose})
         RETURNING device_key"
    );
    let mut changed = tx.query(&close, params![execution_key, now], |row| row.int(0))?;
    changed.extend(tx.query(
        "SELECT device_key FROM assignments
         WHERE execution_key = $1 AND status = 'pending' AND class <> 'on_time'",
        params![execution_key],
        |row| row.int(0),
    )?);
    if any_lost {
        let give_up = format!(
            "UPDATE assignments SET status = 'timed_out', failure = 'timed_out', deadline = NULL,
                retry_at = NULL, updated_at = $2
             WHERE execution_key = $1 AND {set} AND {LOST}"
        );
        tx.execute(&give_up, params![execution_key, now])?;
    }
    let update = format!(
        "UPDATE assignments SET status = 'cancelled', deadline = NULL, retry_at = NULL,
            updated_at = $2
         WHERE execution_key = $1 AND {set}"
    );
    tx.execute(&update, params![execution_key, now])?;
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
         WHERE state <> 'closed' AND kind = 'deploy' AND firmware_key = $1
         UNION
         SELECT e.execution_key FROM executions e JOIN tallies t ON t.execution_key = e.execution_key
         WHERE t.status = 'pending' AND t.class <> 'on_time' AND t.devices > 0
           AND (e.firmware_key = $1 OR EXISTS (SELECT 1 FROM stones s
              WHERE s.execution_key = e.execution_key AND s.firmware_key = $1))",
        params![firmware_key],
        |row| row.int(0),
    )?;
    let mut changed = Vec::new();
    for execution_key in executions {
        changed.extend(withdraw(tx, execution_key, false, now)?);
        changed.extend(stop(tx, execution_key, deadline)?);
    }
    Ok(changed)
}
