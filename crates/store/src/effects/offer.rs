//! Offering the update to chosen devices, and letting those that filled their slot switch.

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::Slot;
use fleetward_core::ids::ActionId;

use super::supersede::supersede_waiting;
use super::{Target, in_chunks};
use crate::dialect;
use crate::params::params;
use crate::tallies::Moves;
use crate::{StoreError, Tx};

/// Lets devices that filled their slot switch.
pub(super) fn switch(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: &[i64],
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let list = dialect::list("$1");
    let actions = format!(
        "UPDATE actions SET staging = 0
         WHERE state <> 'closed' AND staging = 1 AND execution_key = $2 AND device_key IN {list}"
    );
    let update = format!(
        "UPDATE assignments SET status = 'installing', deadline = $3, updated_at = $4
         WHERE device_key IN {list} AND +execution_key = $2"
    );
    count_moves(tx, execution_key, devices, DeviceStatus::Installing)?;
    in_chunks(devices, |json, _| {
        tx.execute(&actions, params![json, execution_key])?;
        tx.execute(&update, params![json, execution_key, deadline, now])
            .map(drop)
    })?;
    Ok(devices.to_vec())
}

/// Offers the update to devices, or to each the next version on its way; to fill a slot only, where
/// that is all that is asked.
pub(super) fn offer(
    tx: &Tx<'_>,
    target: Target,
    devices: &[i64],
    staging: bool,
    [deadline, now]: [Timestamp; 2],
) -> Result<Vec<i64>, StoreError> {
    if devices.is_empty() {
        return Ok(Vec::new());
    }
    supersede_waiting(tx, target.execution_key, devices, now)?;
    count_moves(tx, target.execution_key, devices, DeviceStatus::Released)?;
    let first = reserve(tx, devices.len())?;
    let chosen = dialect::numbered_list("$1");
    // The n-th version from the last on the way, for a device that n of them lie before.
    let insert = format!(
        "INSERT INTO actions (action_id, execution_key, device_key, kind, state, staging,
            firmware_key, opened_at)
         SELECT $2 + chosen.place * $3, $4, chosen.device, 'deploy', 'open', $5,
            CASE WHEN a.stones_left = 0 THEN $6 ELSE
               (SELECT s.firmware_key FROM stones s WHERE s.execution_key = $4 AND s.place =
                  (SELECT COUNT(*) FROM stones WHERE execution_key = $4) - a.stones_left) END, $7
         FROM {chosen} AS chosen CROSS JOIN assignments a
            ON a.device_key = chosen.device AND +a.execution_key = $4"
    );
    let update = format!(
        "UPDATE assignments SET status = 'released', failure = NULL, retry_at = NULL,
            action_id = $2 + chosen.place * $3, deadline = $5, updated_at = $6
         FROM {chosen} AS chosen
         WHERE device_key = chosen.device AND +execution_key = $4"
    );
    let step = ActionId::STEP;
    in_chunks(devices, |json, done| {
        let base = first + done * i64::from(step);
        let (key, firmware) = (target.execution_key, target.firmware_key);
        tx.execute(
            &insert,
            params![json, base, step, key, staging, firmware, now],
        )?;
        tx.execute(&update, params![json, base, step, key, deadline, now])
            .map(drop)
    })?;
    tx.execute(
        "UPDATE executions SET offers = offers + $2 WHERE execution_key = $1",
        params![target.execution_key, devices.len() as u64],
    )?;
    Ok(devices.to_vec())
}

/// Counts chosen devices as what they become.
fn count_moves(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: &[i64],
    becomes: DeviceStatus,
) -> Result<(), StoreError> {
    let list = dialect::list("$1");
    let count = format!(
        "SELECT wave, status, class, COUNT(*) FROM assignments
         WHERE device_key IN {list} AND +execution_key = $2 GROUP BY 1, 2, 3"
    );
    let mut moves = Moves::default();
    in_chunks(devices, |json, _| {
        let counted = tx.query(&count, params![json, execution_key], |row| {
            let slot = Slot::new(row.word(1)?, row.word::<Class>(2)?);
            Ok((row.small(0)?, slot, row.int(3)?))
        })?;
        for (wave, slot, devices) in counted {
            moves.add((execution_key, wave, slot), -devices);
            let after = Slot::new(becomes, slot.class);
            moves.add((execution_key, wave, after), devices);
        }
        Ok(())
    })?;
    moves.write(tx)
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
