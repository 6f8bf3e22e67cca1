//! Offering the update: to a wave at once, to its inactive slots first, and the switch between.

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_core::ids::{ActionId, WaveIndex};

use super::{Target, in_chunks};
use crate::dialect;
use crate::params::params;
use crate::tallies::Moves;
use crate::{StoreError, Tx};

/// Lets devices that filled their slot switch, and offers the update to those that were held back.
pub(super) fn switch(
    tx: &Tx<'_>,
    target: Target,
    wave: WaveIndex,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let mut changed = tx.query(
        "UPDATE actions SET staging = 0
         WHERE staging = 1 AND state <> 'closed' AND action_id IN (
            SELECT action_id FROM assignments
            WHERE execution_key = $1 AND wave = $2)
         RETURNING device_key",
        params![target.execution_key, wave.0],
        |row| row.int(0),
    )?;
    tx.execute(
        "UPDATE assignments SET deadline = $3, updated_at = $4
         WHERE execution_key = $1 AND wave = $2 AND status = 'verifying'",
        params![target.execution_key, wave.0, deadline, now],
    )?;
    changed.extend(offer(tx, target, wave, false, [deadline, now])?);
    Ok(changed)
}

/// Offers the update to a wave's pending devices; to those that can stage it, where that is all that
/// is asked.
pub(super) fn offer(
    tx: &Tx<'_>,
    target: Target,
    wave: WaveIndex,
    staging: bool,
    [deadline, now]: [Timestamp; 2],
) -> Result<Vec<i64>, StoreError> {
    let devices = tx.query(
        "SELECT a.device_key FROM assignments a JOIN devices d ON d.device_key = a.device_key
         WHERE a.execution_key = $1 AND a.wave = $2 AND a.status = 'pending' AND d.can_stage >= $3
         ORDER BY a.device_key",
        params![target.execution_key, wave.0, staging],
        |row| row.int(0),
    )?;
    supersede_late(tx, target, &devices, now)?;
    let first = reserve(tx, devices.len())?;
    let chosen = dialect::numbered_list("$1");
    let insert = format!(
        "INSERT INTO actions (action_id, execution_key, device_key, kind, state, staging,
            firmware_key, opened_at)
         SELECT $2 + place * $3, $4, device, 'deploy', 'open', $5, $6, $7 FROM {chosen}"
    );
    let update = format!(
        "UPDATE assignments SET status = 'released', action_id = $2 + chosen.place * $3,
            deadline = $5, updated_at = $6
         FROM {chosen} AS chosen
         WHERE device_key = chosen.device AND +execution_key = $4"
    );
    let step = ActionId::STEP;
    in_chunks(&devices, |json, done| {
        let base = first + done * i64::from(step);
        let (key, firmware) = (target.execution_key, target.firmware_key);
        tx.execute(
            &insert,
            params![json, base, step, key, staging, firmware, now],
        )?;
        tx.execute(&update, params![json, base, step, key, deadline, now])
            .map(drop)
    })?;
    let mut moves = Moves::default();
    let at = |status| (target.execution_key, wave.0, status, false);
    moves.add(at(DeviceStatus::Pending), -(devices.len() as i64));
    moves.add(at(DeviceStatus::Released), devices.len() as i64);
    moves.write(tx)?;
    Ok(devices)
}

/// Takes numbers for this many attempts; answers with the first.
pub(super) fn reserve(tx: &Tx<'_>, attempts: usize) -> Result<i64, StoreError> {
    let taken = attempts as i64 * i64::from(ActionId::STEP);
    let next = tx.query_one(
        "UPDATE counters SET value = value + $1 WHERE name = 'next_action' RETURNING value",
        params![taken],
        |row| row.int(0),
    )?;
    if next > i64::from(ActionId::MAX.0) {
        return Err(StoreError::ActionsExhausted);
    }
    Ok(next - taken)
}

/// An offer of an earlier execution that a device has not come for gives way to a new one.
fn supersede_late(
    tx: &Tx<'_>,
    target: Target,
    devices: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    let list = dialect::list("$1");
    let old = format!(
        "device_key IN {list} AND execution_key <> $2 AND status = 'released' AND late = 1"
    );
    let count =
        format!("SELECT execution_key, wave, COUNT(*) FROM assignments WHERE {old} GROUP BY 1, 2");
    let close = format!(
        "UPDATE actions SET state = 'closed', closed_at = $3
         WHERE state <> 'closed' AND execution_key <> $2 AND device_key IN {list}"
    );
    let update = format!(
        "UPDATE assignments SET status = 'cancelled', deadline = NULL, updated_at = $3 WHERE {old}"
    );
    let mut moves = Moves::default();
    in_chunks(devices, |json, _| {
        let key = target.execution_key;
        let counted = tx.query(&count, params![json, key], |row| {
            Ok((row.int(0)?, row.small(1)?, row.int(2)?))
        })?;
        for (execution, wave, devices) in counted {
            moves.add((execution, wave, DeviceStatus::Released, true), -devices);
            moves.add((execution, wave, DeviceStatus::Cancelled, true), devices);
        }
        tx.execute(&close, params![json, key, now])?;
        tx.execute(&update, params![json, key, now]).map(drop)
    })?;
    moves.write(tx)
}
