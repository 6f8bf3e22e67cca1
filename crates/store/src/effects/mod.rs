//! Carrying out the engine's effects on whole sets of devices, in the transaction that stores its
//! state. What each effect means, device by device, is in `fleetward_core::rehearsal`.
//!
//! `+execution_key` keeps SQLite from looking a chosen device up by its execution, among all the others
//! of it, instead of by its own key.

mod expire;
mod offer;
mod recall;
mod withdraw;

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_core::engine::{Effect, Order};

use crate::params::params;
use crate::tallies::Moves;
use crate::{Param, StoreError, Tx};

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
/// # Errors
/// The database fails, or action numbers have run out.
pub fn carry_out(
    tx: &Tx<'_>,
    target: Target,
    effect: Effect,
    order: &Order,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let deadline = order.device_timeout.after(now);
    match effect {
        Effect::Release { wave } => offer::offer(tx, target, wave, false, [deadline, now]),
        Effect::Stage { wave } => offer::offer(tx, target, wave, true, [deadline, now]),
        Effect::Switch { wave } => offer::switch(tx, target, wave, deadline, now),
        Effect::Expire { unfetched } => expire::expire(tx, target.execution_key, unfetched, now),
        Effect::Withdraw => withdraw::withdraw(tx, target.execution_key, now),
        Effect::StopInFlight => withdraw::stop(tx, target.execution_key, deadline),
        Effect::Recall => recall::recall(
            tx,
            target.execution_key,
            order.rollback_timeout.after(now),
            now,
        ),
    }
}

/// Devices of an execution (parameter 1) that are in a set, and where they are counted.
fn counted(
    tx: &Tx<'_>,
    set: &str,
    values: &[Param<'_>],
) -> Result<Vec<(u32, DeviceStatus, bool, i64)>, StoreError> {
    let sql = format!(
        "SELECT wave, status, late, COUNT(*) FROM assignments
         WHERE execution_key = $1 AND {set} GROUP BY 1, 2, 3"
    );
    tx.query(&sql, values, |row| {
        Ok((row.small(0)?, row.word(1)?, row.truth(2)?, row.int(3)?))
    })
}

/// Counts the devices of a set as what they become.
fn recount(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: Vec<(u32, DeviceStatus, bool, i64)>,
    becomes: impl Fn(DeviceStatus, bool) -> (DeviceStatus, bool),
) -> Result<(), StoreError> {
    let mut moves = Moves::default();
    for (wave, status, late, devices) in devices {
        let (new_status, new_late) = becomes(status, late);
        moves.add((execution_key, wave, status, late), -devices);
        moves.add((execution_key, wave, new_status, new_late), devices);
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
