//! Carrying out the engine's effects on whole sets of devices, in the transaction that stores its
//! state. What each effect means, device by device, is in `fleetward_core::rehearsal`.

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_core::engine::{Effect, Order, UnfetchedFate};
use fleetward_core::ids::{ActionId, WaveIndex};

use crate::dialect;
use crate::params::params;
use crate::tallies::Moves;
use crate::{StoreError, Tx};

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
        Effect::Release { wave } => offer(tx, target, wave, Offer::All, deadline, now),
        Effect::Stage { wave } => offer(tx, target, wave, Offer::Staging, deadline, now),
        Effect::Switch { wave } => switch(tx, target, wave, deadline, now),
        Effect::Expire { unfetched } => expire(tx, target, unfetched, now),
        Effect::Withdraw => withdraw(tx, target, now),
        Effect::StopInFlight => stop(tx, target, deadline),
        Effect::Recall => recall(tx, target, order.rollback_timeout.after(now), now),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Offer {
    All,
    Staging,
}

fn offer(
    tx: &Tx<'_>,
    target: Target,
    wave: WaveIndex,
    which: Offer,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let staging = which == Offer::Staging;
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
    let sql = format!(
        "INSERT INTO actions (action_id, execution_key, device_key, kind, state, staging,
            firmware_key, opened_at)
         SELECT $2 + place * $3, $4, device, 'deploy', 'open', $5, $6, $7 FROM {chosen}"
    );
    let update = format!(
        "UPDATE assignments SET status = 'released', action_id = $2 + chosen.place * $3,
            deadline = $5, updated_at = $6
         FROM {chosen} AS chosen
         WHERE device_key = chosen.device AND execution_key = $4"
    );
    let step = ActionId::STEP;
    in_chunks(&devices, |json, done| {
        let base = first + done * i64::from(step);
        let (key, firmware) = (target.execution_key, target.firmware_key);
        tx.execute(&sql, params![json, base, step, key, staging, firmware, now])?;
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
fn reserve(tx: &Tx<'_>, attempts: usize) -> Result<i64, StoreError> {
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

/// A late offer of an earlier execution gives way to a new one.
fn supersede_late(
    tx: &Tx<'_>,
    target: Target,
    devices: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    let list = dialect::list("$1");
    let sql = format!(
        "UPDATE actions SET state = 'closed', closed_at = $2
         WHERE state <> 'closed' AND execution_key <> $3 AND device_key IN {list}
         RETURNING device_key, execution_key"
    );
    let mut moves = Moves::default();
    in_chunks(devices, |json, _| {
        let ended = tx.query(&sql, params![json, now, target.execution_key], |row| {
            Ok((row.int(0)?, row.int(1)?))
        })?;
        for (device, execution) in ended {
            let before = tx.query_opt(
                "SELECT wave, status, late FROM assignments
                 WHERE device_key = $1 AND execution_key = $2",
                params![device, execution],
                |row| Ok((execution, row.small(0)?, row.word(1)?, row.truth(2)?)),
            )?;
            if let Some(slot) = before {
                moves.one(slot, (slot.0, slot.1, DeviceStatus::Cancelled, slot.3));
            }
            tx.execute(
                "UPDATE assignments SET status = 'cancelled', deadline = NULL, updated_at = $3
                 WHERE device_key = $1 AND execution_key = $2",
                params![device, execution, now],
            )?;
        }
        Ok(())
    })?;
    moves.write(tx)
}

fn switch(
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
            WHERE execution_key = $1 AND wave = $2
              AND status IN ('verifying', 'released', 'downloading', 'installing'))
         RETURNING device_key",
        params![target.execution_key, wave.0],
        |row| row.int(0),
    )?;
    tx.execute(
        "UPDATE assignments SET deadline = $3, updated_at = $4
         WHERE execution_key = $1 AND wave = $2 AND status = 'verifying'",
        params![target.execution_key, wave.0, deadline, now],
    )?;
    changed.extend(offer(tx, target, wave, Offer::All, deadline, now)?);
    Ok(changed)
}

struct Expired {
    device: i64,
    wave: u32,
    status: DeviceStatus,
    late: bool,
    action: Option<i64>,
}

fn expire(
    tx: &Tx<'_>,
    target: Target,
    unfetched: UnfetchedFate,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let expired = tx.query(
        "SELECT device_key, wave, status, late, action_id FROM assignments
         WHERE execution_key = $1 AND deadline <= $2",
        params![target.execution_key, now],
        |row| {
            Ok(Expired {
                device: row.int(0)?,
                wave: row.small(1)?,
                status: row.word(2)?,
                late: row.truth(3)?,
                action: row.int_opt(4)?,
            })
        },
    )?;
    let mut moves = Moves::default();
    let mut changed = Vec::new();
    for device in expired {
        let (status, late, failure) = fate(&device, unfetched);
        let closes = status != device.status;
        tx.execute(
            "UPDATE assignments SET status = $3, late = $4, failure = COALESCE($5, failure),
                deadline = NULL, updated_at = $6
             WHERE device_key = $1 AND execution_key = $2",
            params![
                device.device,
                target.execution_key,
                status.name(),
                late,
                failure,
                now
            ],
        )?;
        if closes {
            close(tx, device.action, now)?;
            changed.push(device.device);
        }
        if status == DeviceStatus::RollbackFailed {
            quarantine(tx, device.device)?;
        }
        let slot = |status, late| (target.execution_key, device.wave, status, late);
        moves.one(slot(device.status, device.late), slot(status, late));
    }
    moves.write(tx)?;
    Ok(changed)
}

fn fate(device: &Expired, unfetched: UnfetchedFate) -> (DeviceStatus, bool, Option<&'static str>) {
    match (device.status, unfetched) {
        (DeviceStatus::Released, UnfetchedFate::KeepWaiting) => (device.status, device.late, None),
        (DeviceStatus::Released, UnfetchedFate::Late) => (device.status, true, None),
        (DeviceStatus::Released, UnfetchedFate::Skip) => {
            (DeviceStatus::Skipped, device.late, Some("never_contacted"))
        }
        (DeviceStatus::RollingBack, _) => (
            DeviceStatus::RollbackFailed,
            device.late,
            Some("rollback_timed_out"),
        ),
        (DeviceStatus::Rebooting, _) => (
            DeviceStatus::TimedOut,
            device.late,
            Some("updated_then_silent"),
        ),
        (status, _) if status.in_flight() => {
            (DeviceStatus::TimedOut, device.late, Some("timed_out"))
        }
        (status, _) => (status, device.late, None),
    }
}

fn close(tx: &Tx<'_>, action: Option<i64>, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE actions SET state = 'closed', closed_at = $2 WHERE action_id = $1";
    tx.execute(sql, params![action, now]).map(drop)
}

pub(crate) fn quarantine(tx: &Tx<'_>, device_key: i64) -> Result<(), StoreError> {
    let sql = "UPDATE devices SET quarantined = 1 WHERE device_key = $1";
    tx.execute(sql, params![device_key]).map(drop)
}

fn withdraw(tx: &Tx<'_>, target: Target, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let mut moves = Moves::default();
    let counted = tx.query(
        "SELECT wave, status, late, COUNT(*) FROM assignments
         WHERE execution_key = $1 AND status IN ('pending', 'released') GROUP BY 1, 2, 3",
        params![target.execution_key],
        |row| Ok((row.small(0)?, row.word(1)?, row.truth(2)?, row.int(3)?)),
    )?;
    for (wave, status, late, devices) in counted {
        moves.add((target.execution_key, wave, status, late), -devices);
        moves.add(
            (target.execution_key, wave, DeviceStatus::Cancelled, late),
            devices,
        );
    }
    let changed = tx.query(
        "UPDATE actions SET state = 'closed', closed_at = $2
         WHERE action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND status = 'released')
         RETURNING device_key",
        params![target.execution_key, now],
        |row| row.int(0),
    )?;
    tx.execute(
        "UPDATE assignments SET status = 'cancelled', deadline = NULL, updated_at = $2
         WHERE execution_key = $1 AND status IN ('pending', 'released')",
        params![target.execution_key, now],
    )?;
    moves.write(tx)?;
    Ok(changed)
}

fn stop(tx: &Tx<'_>, target: Target, deadline: Timestamp) -> Result<Vec<i64>, StoreError> {
    const UNDER_WAY: &str = "('downloading', 'installing', 'rebooting', 'verifying')";
    let sql = format!(
        "UPDATE assignments SET deadline = COALESCE(deadline, $2)
         WHERE execution_key = $1 AND status IN {UNDER_WAY}"
    );
    tx.execute(&sql, params![target.execution_key, deadline])?;
    let sql = format!(
        "UPDATE actions SET state = 'cancelling'
         WHERE state = 'open' AND action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND status IN {UNDER_WAY})
         RETURNING device_key"
    );
    tx.query(&sql, params![target.execution_key], |row| row.int(0))
}

struct ToRecall {
    device: i64,
    wave: u32,
    status: DeviceStatus,
    late: bool,
    previous: Option<i64>,
}

fn recall(
    tx: &Tx<'_>,
    target: Target,
    deadline: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let all = tx.query(
        "SELECT device_key, wave, status, late, previous_firmware_key FROM assignments
         WHERE execution_key = $1 AND status IN ('succeeded', 'timed_out') ORDER BY device_key",
        params![target.execution_key],
        |row| {
            Ok(ToRecall {
                device: row.int(0)?,
                wave: row.small(1)?,
                status: row.word(2)?,
                late: row.truth(3)?,
                previous: row.int_opt(4)?,
            })
        },
    )?;
    let (back, stuck): (Vec<_>, Vec<_>) = all.iter().partition(|d| d.previous.is_some());
    let mut moves = Moves::default();
    for (list, status) in [
        (&back, DeviceStatus::RollingBack),
        (&stuck, DeviceStatus::RollbackFailed),
    ] {
        for d in list {
            let slot = |status| (target.execution_key, d.wave, status, d.late);
            moves.one(slot(d.status), slot(status));
        }
    }
    let mut devices: Vec<i64> = back.iter().map(|d| d.device).collect();
    // A device has one open attempt: one that was given the next execution's offer is not recalled
    // twice, but loses that offer.
    let first = reserve(tx, devices.len())?;
    offer_back(tx, target, &devices, first, deadline, now)?;
    for d in &stuck {
        tx.execute(
            "UPDATE assignments SET status = 'rollback_failed', failure = 'no_earlier_image',
                deadline = NULL, updated_at = $3
             WHERE device_key = $1 AND execution_key = $2",
            params![d.device, target.execution_key, now],
        )?;
        quarantine(tx, d.device)?;
        devices.push(d.device);
    }
    moves.write(tx)?;
    Ok(devices)
}

fn offer_back(
    tx: &Tx<'_>,
    target: Target,
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
            ON a.device_key = chosen.device AND a.execution_key = $4"
    );
    let update = format!(
        "UPDATE assignments SET status = 'rolling_back', action_id = $2 + chosen.place * $3,
            deadline = $5, updated_at = $6
         FROM {chosen} AS chosen
         WHERE device_key = chosen.device AND execution_key = $4"
    );
    let (step, key) = (ActionId::STEP, target.execution_key);
    in_chunks(devices, |json, done| {
        let base = first + done * i64::from(step);
        tx.execute(&end, params![json, now])?;
        tx.execute(&insert, params![json, base, step, key, now])?;
        tx.execute(&update, params![json, base, step, key, deadline, now])
            .map(drop)
    })
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
