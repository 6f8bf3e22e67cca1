//! Devices that come while executions run: late ones, new ones, and those that move away.

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Rollout, Slot};
use fleetward_core::firmware::fits;
use fleetward_core::percent::Percent;
use fleetward_core::plan::Plan;
use fleetward_core::version::{is_below, stones_to_pass};

use crate::assignments::{DOMAIN, ZONE, write_out};
use crate::devices::Device;
use crate::dialect;
use crate::effects::supersede;
use crate::firmware::Firmware;
use crate::params::params;
use crate::tallies::Moves;
use crate::{StoreError, Tx, devices, firmware, plans};

/// Notes that devices came that missed their waves. Answers with the executions that waited for them.
///
/// # Errors
/// The database fails.
pub fn arrived(tx: &Tx<'_>, devices: &[i64], now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let json = serde_json::to_string(devices).map_err(StoreError::damaged)?;
    let list = dialect::list("$1");
    let set = format!("device_key IN {list} AND class = 'absent' AND status = 'pending'");
    let counted = tx.query(
        &format!("SELECT execution_key, wave, COUNT(*) FROM assignments WHERE {set} GROUP BY 1, 2"),
        params![&json],
        |row| Ok((row.int(0)?, row.small(1)?, row.int(2)?)),
    )?;
    let mut moves = Moves::default();
    let mut executions = Vec::new();
    for (execution, wave, devices) in counted {
        let at = |class| (execution, wave, Slot::new(DeviceStatus::Pending, class));
        moves.add(at(Class::Absent), -devices);
        moves.add(at(Class::Arrived), devices);
        executions.push(execution);
    }
    moves.write(tx)?;
    let sql = format!("UPDATE assignments SET class = 'arrived', updated_at = $2 WHERE {set}");
    tx.execute(&sql, params![&json, now])?;
    executions.dedup();
    Ok(executions)
}

/// Takes a device into the executions of its environment that take in devices that join. Answers with
/// those executions.
///
/// # Errors
/// The database fails.
pub fn join(tx: &Tx<'_>, device_id: &str, now: Timestamp) -> Result<Vec<i64>, StoreError> {
    let Some(device) = devices::find(tx, device_id)? else {
        return Ok(Vec::new());
    };
    let open = tx.query(
        "SELECT execution_key, plan_key, firmware_key, state FROM executions
         WHERE finished_at IS NULL AND dynamic = 1 AND environment = $1",
        params![&device.environment],
        |row| {
            let rollout = row.json::<Rollout>(3)?;
            Ok((row.int(0)?, row.int(1)?, row.int(2)?, rollout))
        },
    )?;
    let mut joined = Vec::new();
    for (execution_key, plan_key, firmware_key, rollout) in open {
        if rollout.waves.is_empty() || !rollout.takes_joiners() {
            continue;
        }
        let (Some(plan), Some(image)) = (
            plans::by_key(tx, plan_key)?,
            firmware::by_key(tx, firmware_key)?,
        ) else {
            continue;
        };
        let plan = plan.plan;
        if is_wanted(tx, &device, &plan, &image)? && !is_held(tx, device.device_key, execution_key)?
        {
            let stones = stones_to_pass(&device.version, &plan.stepping_stones, &image.version);
            let wave = rollout.waves.len() as u32 - 1;
            insert(tx, execution_key, device.device_key, wave, stones, now)?;
            supersede(tx, execution_key, &[device.device_key], now)?;
            joined.push(execution_key);
        }
    }
    Ok(joined)
}

/// Whether a plan would have chosen the device, had it been there. One that takes only a share of the
/// devices has taken it.
fn is_wanted(
    tx: &Tx<'_>,
    device: &Device,
    plan: &Plan,
    image: &Firmware,
) -> Result<bool, StoreError> {
    let groups = &plan.device_groups;
    let in_groups = groups.is_empty() || groups.iter().any(|g| device.groups.contains(g));
    let own_floor = tx.query_one(
        "SELECT security_floor FROM devices WHERE device_key = $1",
        params![device.device_key],
        |row| row.text(0),
    )?;
    let of_all = plan.security_floor.as_deref().unwrap_or_default();
    let below = |floor: &str| !floor.is_empty() && is_below(&image.version, floor);
    Ok(in_groups
        && plan.rollout_percentage == Percent::HUNDRED
        && !device.quarantined
        && device.version != image.version
        && !below(of_all)
        && !below(&own_floor)
        && fits(&image.hardware, &device.model, &device.revision))
}

/// Devices that join stand behind all that were chosen: more than can be.
const AFTER_ALL: i64 = 1 << 40;

/// Whether this or another unfinished execution has the device already.
fn is_held(tx: &Tx<'_>, device_key: i64, execution_key: i64) -> Result<bool, StoreError> {
    // Who is kept for an execution is as held as if it were written out.
    write_out(tx, None, u32::MAX)?;
    tx.query_one(
        "SELECT EXISTS (SELECT 1 FROM assignments a
            JOIN executions e ON e.execution_key = a.execution_key
            WHERE a.device_key = $1 AND (a.execution_key = $2 OR (e.finished_at IS NULL
               AND NOT (a.class <> 'on_time' AND a.status = 'pending')
               AND a.status NOT IN
                  ('failed', 'skipped', 'cancelled', 'rolled_back', 'rollback_failed'))))
         OR EXISTS (SELECT 1 FROM actions WHERE device_key = $1 AND state <> 'closed')",
        params![device_key, execution_key],
        |row| row.truth(0),
    )
}

fn insert(
    tx: &Tx<'_>,
    execution_key: i64,
    device_key: i64,
    wave: u32,
    stones: usize,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO assignments (device_key, execution_key, wave, place, status, class,
            previous_version, previous_firmware_key, stones_left, zone, domain, updated_at)
         SELECT d.device_key, e.execution_key, $3, $6 + d.device_key, 'pending', 'joined', d.version,
            f.firmware_key, $4, {ZONE}, {DOMAIN}, $5
         FROM executions e CROSS JOIN devices d LEFT JOIN firmware f ON f.version = d.version
         WHERE e.execution_key = $1 AND d.device_key = $2"
    );
    let values = params![
        execution_key,
        device_key,
        wave,
        stones as u64,
        now,
        AFTER_ALL
    ];
    tx.execute(&sql, values)?;
    tx.execute(
        "INSERT INTO domains (execution_key, domain, devices)
         SELECT execution_key, domain, 1 FROM assignments
         WHERE execution_key = $1 AND device_key = $2 AND domain <> ''
         ON CONFLICT (execution_key, domain) DO UPDATE SET devices = devices + 1",
        params![execution_key, device_key],
    )?;
    tx.execute(
        "INSERT INTO zones (execution_key, zone)
         SELECT execution_key, zone FROM assignments
         WHERE execution_key = $1 AND device_key = $2 AND zone IS NOT NULL
         ON CONFLICT DO NOTHING",
        params![execution_key, device_key],
    )?;
    let mut moves = Moves::default();
    let slot = Slot::new(DeviceStatus::Pending, Class::Joined);
    moves.add((execution_key, wave, slot), 1);
    moves.write(tx)
}

/// Takes a device that moved to another environment out of the executions of the one it left, where it
/// has not begun. What it has begun it ends, and counts. Answers with the executions it left.
///
/// # Errors
/// The database fails.
pub fn leave(
    tx: &Tx<'_>,
    device_key: i64,
    environment: &str,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let kept = tx.query(
        "SELECT DISTINCT k.execution_key FROM kept_waves k
         CROSS JOIN executions e ON e.execution_key = k.execution_key
         WHERE e.environment <> $1",
        params![environment],
        |row| row.int(0),
    )?;
    for execution_key in kept {
        write_out(tx, Some(execution_key), u32::MAX)?;
    }
    let held = tx.query(
        "SELECT a.execution_key, a.wave, a.status, a.class FROM assignments a
         JOIN executions e ON e.execution_key = a.execution_key
         WHERE a.device_key = $1 AND e.environment <> $2 AND a.status IN ('pending', 'released')",
        params![device_key, environment],
        |row| {
            let slot = Slot::new(row.word(2)?, row.word(3)?);
            Ok((row.int(0)?, row.small(1)?, slot))
        },
    )?;
    let mut moves = Moves::default();
    for (execution_key, wave, slot) in &held {
        let gone = Slot::new(DeviceStatus::Cancelled, slot.class);
        moves.one(
            (*execution_key, *wave, *slot),
            (*execution_key, *wave, gone),
        );
        tx.execute(
            "UPDATE actions SET state = 'closed', closed_at = $3
             WHERE state <> 'closed' AND device_key = $1 AND execution_key = $2",
            params![device_key, *execution_key, now],
        )?;
        tx.execute(
            "UPDATE assignments SET status = 'cancelled', deadline = NULL, retry_at = NULL,
                updated_at = $3
             WHERE device_key = $1 AND execution_key = $2",
            params![device_key, *execution_key, now],
        )?;
    }
    moves.write(tx)?;
    Ok(held.into_iter().map(|(execution, ..)| execution).collect())
}
