//! Telling devices to go back to the version they had.

use fleetward_core::Timestamp;
use fleetward_core::device::{DeviceStatus, FailureKind};
use fleetward_core::engine::{Order, Slot};
use fleetward_core::ids::ActionId;
use fleetward_core::version::is_below;

use super::offer::reserve;
use super::{counted, in_chunks, recount};
use crate::dialect;
use crate::params::params;
use crate::{Param, StoreError, Tx};

const TOOK_IT: &str = "status IN ('succeeded', 'timed_out')";

/// Recalls devices that run the update, or that fetched it and were lost. A device that can't go back,
/// because its earlier image is not here or is older than it may run, is named.
pub(super) fn recall(
    tx: &Tx<'_>,
    execution_key: i64,
    at_most: u64,
    order: &Order,
    [deadline, now]: [Timestamp; 2],
) -> Result<Vec<i64>, StoreError> {
    let no_image = format!("{TOOK_IT} AND previous_firmware_key IS NULL AND $2 = $3");
    let none = [Param::Text(""), Param::Text("")];
    let why = FailureKind::NoEarlierImage;
    name_stuck(tx, execution_key, &no_image, none, why, now)?;
    let too_old = format!(
        "{TOOK_IT} AND previous_version = $2 AND (SELECT security_floor FROM devices d
            WHERE d.device_key = assignments.device_key) = $3"
    );
    for (version, floor) in below_their_floor(tx, execution_key, order)? {
        let pair = [Param::Text(&version), Param::Text(&floor)];
        let why = FailureKind::BelowSecurityFloor;
        name_stuck(tx, execution_key, &too_old, pair, why, now)?;
    }
    let most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT device_key FROM assignments WHERE execution_key = $1 AND {TOOK_IT}
         ORDER BY wave, place LIMIT $2"
    );
    let devices = tx.query(&sql, params![execution_key, most], |row| row.int(0))?;
    if devices.is_empty() {
        return Ok(devices);
    }
    in_chunks(&devices, |json, _| {
        let set = format!("device_key IN {}", dialect::list("$2"));
        let going = counted(tx, &set, params![execution_key, json])?;
        recount(tx, execution_key, going, |slot| {
            Slot::new(DeviceStatus::RollingBack, slot.class)
        })
    })?;
    let first = reserve(tx, devices.len())?;
    offer_back(tx, execution_key, &devices, first, deadline, now)?;
    Ok(devices)
}

/// The pairs of earlier version and the device's own security floor, among devices to be recalled, where
/// the version is below that floor or below the floor of all: few, whatever the number of devices.
fn below_their_floor(
    tx: &Tx<'_>,
    execution_key: i64,
    order: &Order,
) -> Result<Vec<(String, String)>, StoreError> {
    let floored = "SELECT EXISTS (SELECT 1 FROM devices WHERE security_floor <> '')";
    let of_all = order.security_floor.as_deref();
    if of_all.is_none() && !tx.query_one(floored, &[], |row| row.truth(0))? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT DISTINCT a.previous_version, d.security_floor
         FROM assignments a JOIN devices d ON d.device_key = a.device_key
         WHERE a.execution_key = $1 AND a.{TOOK_IT}"
    );
    let mut pairs = tx.query(&sql, params![execution_key], |row| {
        Ok((row.text(0)?, row.text(1)?))
    })?;
    pairs.retain(|(version, own)| {
        (!own.is_empty() && is_below(version, own))
            || of_all.is_some_and(|all| is_below(version, all))
    });
    Ok(pairs)
}

/// Names the devices of a set, which has two parameters of its own, $2 and $3.
fn name_stuck(
    tx: &Tx<'_>,
    execution_key: i64,
    stuck: &str,
    [first, second]: [Param<'_>; 2],
    why: FailureKind,
    now: Timestamp,
) -> Result<(), StoreError> {
    let found = counted(tx, stuck, params![execution_key, first, second])?;
    if found.is_empty() {
        return Ok(());
    }
    recount(tx, execution_key, found, |slot| Slot {
        status: DeviceStatus::RollbackFailed,
        class: slot.class,
        failure: Some(why),
    })?;
    let sql = format!(
        "UPDATE devices SET quarantined = 1 WHERE device_key IN (
            SELECT device_key FROM assignments WHERE execution_key = $1 AND {stuck})"
    );
    tx.execute(&sql, params![execution_key, first, second])?;
    let sql = format!(
        "UPDATE assignments SET status = 'rollback_failed', failure = '{}', deadline = NULL,
            updated_at = $4
         WHERE execution_key = $1 AND {stuck}",
        why.name()
    );
    tx.execute(&sql, params![execution_key, first, second, now])
        .map(drop)
}

fn offer_back(
    tx: &Tx<'_>,
    execution_key: i64,
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
            ON a.device_key = chosen.device AND +a.execution_key = $4"
    );
    let update = format!(
        "UPDATE assignments SET status = 'rolling_back', failure = NULL,
            action_id = $2 + chosen.place * $3, deadline = $5, updated_at = $6
         FROM {chosen} AS chosen
         WHERE device_key = chosen.device AND +execution_key = $4"
    );
    let step = ActionId::STEP;
    in_chunks(devices, |json, done| {
        let base = first + done * i64::from(step);
        tx.execute(&end, params![json, now])?;
        tx.execute(&insert, params![json, base, step, execution_key, now])?;
        tx.execute(
            &update,
            params![json, base, step, execution_key, deadline, now],
        )
        .map(drop)
    })
}
