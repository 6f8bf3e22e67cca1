//! Carrying out the engine's effects on whole sets of devices, in the transaction that stores its
//! state. What each effect means, device by device, is in `fleetward_core::rehearsal`.
//!
//! `+execution_key` keeps SQLite from looking a chosen device up by its execution, among all the others
//! of it, instead of by its own key; `+state`, from looking an attempt up among all that are open instead
//! of by its number.

mod expire;
mod offer;
mod recall;
mod recipients;
mod supersede;
mod withdraw;

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Effect, Order, Recipients, Slot};

use crate::params::params;
use crate::tallies::{Moves, failure};
use crate::{Param, StoreError, Tx};

pub(crate) use supersede::supersede;
pub use supersede::supersede_chosen;
pub use withdraw::take_back;

/// Whose effects are carried out.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The execution's number.
    pub execution_key: i64,
    /// The version that it brings.
    pub firmware_key: i64,
}

/// Carries out one effect. Answers with the devices whose open attempt changed.
///
/// [`Effect::Choose`] is not for whole sets and does nothing here.
///
/// # Errors
/// The database fails, or action numbers have run out.
pub fn carry_out(
    tx: &Tx<'_>,
    target: Target,
    effect: &Effect,
    order: &Order,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let deadline = order.device_timeout.after(now);
    let key = target.execution_key;
    match effect {
        Effect::Choose => Ok(Vec::new()),
        Effect::Offer { to, at_most, zones } => {
            let devices = recipients::choose(tx, key, *to, *at_most, zones.as_deref(), order, now)?;
            let staging = matches!(to, Recipients::Waves { staging: true, .. });
            recipients::end_of_waits(tx, key, now)?;
            offer::offer(tx, target, &devices, staging, [deadline, now])
        }
        Effect::Switch {
            wave,
            at_most,
            zones,
        } => {
            let devices = recipients::staged(tx, key, *wave, *at_most, zones.as_deref(), order)?;
            offer::switch(tx, key, &devices, deadline, now)
        }
        Effect::Expire { unfetched } => expire::expire(tx, key, *unfetched, order, now),
        Effect::Withdraw => withdraw::withdraw(tx, key, false, now),
        Effect::WithdrawStragglers => withdraw::withdraw(tx, key, true, now),
        Effect::StopInFlight => withdraw::stop(tx, key, deadline),
        Effect::Recall { at_most, deadline } => {
            recall::recall(tx, key, *at_most, order, [*deadline, now])
        }
    }
}

/// Devices that fetched an earlier attempt, were not heard of again and have not said since what they run:
/// they may run the update.
const LOST: &str = "failures > 0 AND EXISTS (SELECT 1 FROM actions l
    WHERE l.device_key = assignments.device_key AND l.execution_key = assignments.execution_key
      AND l.failure IN ('timed_out', 'updated_then_silent')
      AND NOT EXISTS (SELECT 1 FROM actions m
        WHERE m.device_key = l.device_key AND m.execution_key = l.execution_key
          AND m.action_id > l.action_id
          AND m.failure IN ('install_failed', 'rolled_back_on_device')))";

/// Devices of an execution (parameter 1) that are in a set, and where they are counted.
fn counted(
    tx: &Tx<'_>,
    set: &str,
    values: &[Param<'_>],
) -> Result<Vec<(u32, Slot, i64)>, StoreError> {
    let sql = format!(
        "SELECT wave, status, class, COALESCE(failure, ''), COUNT(*) FROM assignments
         WHERE execution_key = $1 AND {set} GROUP BY 1, 2, 3, 4"
    );
    tx.query(&sql, values, |row| {
        let slot = Slot {
            status: row.word::<DeviceStatus>(1)?,
            class: row.word::<Class>(2)?,
            failure: failure(row.str(3)?)?,
        };
        Ok((row.small(0)?, slot, row.int(4)?))
    })
}

/// Counts the devices of a set as what they become.
fn recount(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: Vec<(u32, Slot, i64)>,
    becomes: impl Fn(Slot) -> Slot,
) -> Result<(), StoreError> {
    let mut moves = Moves::default();
    for (wave, slot, devices) in devices {
        moves.add((execution_key, wave, slot), -devices);
        moves.add((execution_key, wave, becomes(slot)), devices);
    }
    moves.write(tx)
}

pub(crate) fn quarantine(tx: &Tx<'_>, device_key: i64) -> Result<(), StoreError> {
    let sql = "UPDATE devices SET quarantined = 1 WHERE device_key = $1";
    tx.execute(sql, params![device_key]).map(drop)
}

/// Hands lists over in parts that fit one parameter; says how many came before.
fn in_chunks(
    devices: &[i64],
    mut each: impl FnMut(&str, i64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    const PART: usize = 50_000;
    for (part, chunk) in devices.chunks(PART).enumerate() {
        let json = serde_json::to_string(chunk).map_err(StoreError::damaged)?;
        each(&json, (part * PART) as i64)?;
    }
    Ok(())
}
