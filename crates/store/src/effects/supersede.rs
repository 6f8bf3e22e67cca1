//! Devices that earlier executions still wait for, or offer what they missed, and that a later one has
//! now.

use std::collections::BTreeSet;

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::Slot;

use super::in_chunks;
use crate::dialect;
use crate::params::params;
use crate::tallies::Moves;
use crate::{StoreError, Tx};

const WAITS: &str = "class <> 'on_time' AND status IN ('pending', 'released')";

/// Those of the devices chosen for an execution that others wait for belong to it alone from now on.
/// Answers with them.
///
/// # Errors
/// The database fails.
pub fn supersede_chosen(
    tx: &Tx<'_>,
    execution_key: i64,
    waves: &[Vec<i64>],
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    // Executions that wait for devices are found by their counts, so that it costs nothing where none does.
    let sql = format!(
        "SELECT a.device_key FROM (SELECT DISTINCT execution_key FROM tallies
            WHERE {WAITS} AND devices > 0 AND execution_key <> $1) AS waiting
         CROSS JOIN assignments a ON a.execution_key = waiting.execution_key AND {WAITS}"
    );
    let awaited = tx.query(&sql, params![execution_key], |row| row.int(0))?;
    let awaited: BTreeSet<i64> = awaited.into_iter().collect();
    if awaited.is_empty() {
        return Ok(Vec::new());
    }
    let chosen = waves.iter().flatten().copied();
    let both: Vec<i64> = chosen.filter(|device| awaited.contains(device)).collect();
    supersede(tx, execution_key, &both, now)?;
    Ok(both)
}

/// A device that an earlier execution still waits for is no longer waited for, and an offer that it has
/// not come to fetch is taken back.
pub(crate) fn supersede(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    end(tx, execution_key, devices, WAITS, now)
}

/// The same where no other execution has an offer out; a short index knows these devices.
pub(super) fn supersede_waiting(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    let waits = "class <> 'on_time' AND status = 'pending'";
    end(tx, execution_key, devices, waits, now)
}

fn end(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: &[i64],
    which: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let list = dialect::list("$1");
    let old = format!("device_key IN {list} AND execution_key <> $2 AND {which}");
    let count = format!(
        "SELECT execution_key, wave, status, class, COUNT(*) FROM assignments WHERE {old}
         GROUP BY 1, 2, 3, 4"
    );
    let close = format!(
        "UPDATE actions SET state = 'closed', closed_at = $3
         WHERE +state <> 'closed' AND action_id IN (SELECT action_id FROM assignments WHERE {old})"
    );
    let update = format!(
        "UPDATE assignments SET status = 'cancelled', deadline = NULL, retry_at = NULL,
            updated_at = $3
         WHERE {old}"
    );
    let mut moves = Moves::default();
    in_chunks(devices, |json, _| {
        let counted = tx.query(&count, params![json, execution_key], |row| {
            let slot = Slot::new(row.word(2)?, row.word::<Class>(3)?);
            Ok((row.int(0)?, row.small(1)?, slot, row.int(4)?))
        })?;
        for (execution, wave, slot, devices) in counted {
            let after = Slot::new(DeviceStatus::Cancelled, slot.class);
            moves.add((execution, wave, slot), -devices);
            moves.add((execution, wave, after), devices);
        }
        tx.execute(&close, params![json, execution_key, now])?;
        tx.execute(&update, params![json, execution_key, now])
            .map(drop)
    })?;
    moves.write(tx)
}
