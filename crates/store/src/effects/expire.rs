//! Giving up devices whose deadline has passed: all of them in a few statements.

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_core::engine::UnfetchedFate;

use super::{counted, recount};
use crate::params::params;
use crate::{StoreError, Tx};

/// A set of devices and what becomes of it.
struct Fate {
    which: &'static str,
    becomes: &'static str,
    failure: &'static str,
}

const UNDER_WAY: Fate = Fate {
    which: "status IN ('downloading', 'installing', 'rebooting', 'verifying')",
    becomes: "timed_out",
    failure: "CASE status WHEN 'rebooting' THEN 'updated_then_silent' ELSE 'timed_out' END",
};
const GOING_BACK: Fate = Fate {
    which: "status = 'rolling_back'",
    becomes: "rollback_failed",
    failure: "'rollback_timed_out'",
};
const ABSENT: Fate = Fate {
    which: "status = 'released'",
    becomes: "skipped",
    failure: "'never_contacted'",
};

pub(super) fn expire(
    tx: &Tx<'_>,
    execution_key: i64,
    unfetched: UnfetchedFate,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let due = counted(tx, "deadline <= $2", params![execution_key, now])?;
    recount(tx, execution_key, due, |status, late| {
        match (status, unfetched) {
            (DeviceStatus::Released, UnfetchedFate::KeepWaiting) => (status, late),
            (DeviceStatus::Released, UnfetchedFate::Late) => (status, true),
            (DeviceStatus::Released, UnfetchedFate::Skip) => (DeviceStatus::Skipped, late),
            (DeviceStatus::RollingBack, _) => (DeviceStatus::RollbackFailed, late),
            (status, _) if status.in_flight() => (DeviceStatus::TimedOut, late),
            (status, _) => (status, late),
        }
    })?;
    tx.execute(
        "UPDATE devices SET quarantined = 1 WHERE device_key IN (
            SELECT device_key FROM assignments
            WHERE execution_key = $1 AND deadline <= $2 AND status = 'rolling_back')",
        params![execution_key, now],
    )?;
    let mut changed = end(tx, execution_key, &UNDER_WAY, now)?;
    changed.extend(end(tx, execution_key, &GOING_BACK, now)?);
    match unfetched {
        UnfetchedFate::Skip => changed.extend(end(tx, execution_key, &ABSENT, now)?),
        UnfetchedFate::Late => spare(tx, execution_key, true, now)?,
        UnfetchedFate::KeepWaiting => spare(tx, execution_key, false, now)?,
    }
    Ok(changed)
}

/// Ends the attempts of a set.
fn end(
    tx: &Tx<'_>,
    execution_key: i64,
    fate: &Fate,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let Fate {
        which,
        becomes,
        failure,
    } = fate;
    let close = format!(
        "UPDATE actions SET state = 'closed', closed_at = $2
         WHERE state <> 'closed' AND action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND deadline <= $2 AND {which})
         RETURNING device_key"
    );
    let changed = tx.query(&close, params![execution_key, now], |row| row.int(0))?;
    let update = format!(
        "UPDATE assignments SET status = '{becomes}', failure = {failure}, deadline = NULL,
            updated_at = $2
         WHERE execution_key = $1 AND deadline <= $2 AND {which}"
    );
    tx.execute(&update, params![execution_key, now])?;
    Ok(changed)
}

/// Leaves the offer to devices that never came.
fn spare(tx: &Tx<'_>, execution_key: i64, late: bool, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE assignments SET late = max(late, $3), deadline = NULL, updated_at = $2
         WHERE execution_key = $1 AND deadline <= $2 AND status = 'released'",
        params![execution_key, now, late],
    )
    .map(drop)
}
