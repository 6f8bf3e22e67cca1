//! Where an execution's devices are: their places and time zones, and the versions on their way.

use std::ops::RangeInclusive;

use fleetward_core::calendar::WindowTimezone;
use fleetward_core::engine::Order;

use crate::assignments::{DOMAIN, ZONE};
use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

/// Notes what of its devices' whereabouts an execution minds.
///
/// # Errors
/// The database fails.
pub fn mind(tx: &Tx<'_>, execution_key: i64, order: &Order) -> Result<(), StoreError> {
    let domain = order.pace.failure_domain.as_ref();
    let by_zone = order.calendar.window_timezone == WindowTimezone::Device
        && !order.calendar.windows.is_empty();
    tx.execute(
        "UPDATE executions SET domain_attribute = $2, by_zone = $3, dynamic = $4
         WHERE execution_key = $1",
        params![
            execution_key,
            domain.map(|domain| &domain.attribute),
            by_zone,
            order.dynamic
        ],
    )
    .map(drop)
}

/// The versions that devices of an execution pass through, oldest first, and for each device that has
/// to how many of the last of them.
///
/// # Errors
/// The database fails.
pub fn lay_stones(
    tx: &Tx<'_>,
    execution_key: i64,
    stones: &[i64],
    devices: &[(i64, u64)],
) -> Result<(), StoreError> {
    for (place, firmware_key) in stones.iter().enumerate() {
        tx.execute(
            "INSERT INTO stones (execution_key, place, firmware_key) VALUES ($1, $2, $3)",
            params![execution_key, place as u64, *firmware_key],
        )?;
    }
    #[derive(serde::Serialize)]
    struct Line {
        device: i64,
        stones: u64,
    }
    let rows = dialect::rows("$1", &["device", "stones"]);
    let sql = format!(
        "INSERT INTO stone_devices (execution_key, device_key, stones)
         SELECT $2, device, stones FROM {rows}"
    );
    for part in devices.chunks(50_000) {
        let lines: Vec<Line> = part
            .iter()
            .map(|&(device, stones)| Line { device, stones })
            .collect();
        let json = serde_json::to_string(&lines).map_err(StoreError::damaged)?;
        tx.execute(&sql, params![&json, execution_key])?;
    }
    Ok(())
}

/// Counts the devices of each place, and lists the zones, of the devices that are kept for an execution
/// in these parts. Places and zones that are known already stay as they are.
pub(crate) fn note(
    tx: &Tx<'_>,
    execution_key: i64,
    parts: RangeInclusive<i64>,
) -> Result<(), StoreError> {
    let (domains, zones) = tx.query_one(
        "SELECT domain_attribute IS NOT NULL, by_zone FROM executions WHERE execution_key = $1",
        params![execution_key],
        |row| Ok((row.truth(0)?, row.truth(1)?)),
    )?;
    let each = dialect::each_in("k.devices");
    let devices = format!(
        "executions e JOIN kept_waves k ON k.execution_key = e.execution_key
         CROSS JOIN {each} AS chosen JOIN devices d ON d.device_key = chosen.value
         WHERE e.execution_key = $1 AND k.part BETWEEN $2 AND $3"
    );
    let values = params![execution_key, *parts.start(), *parts.end()];
    if domains {
        let sql = format!(
            "INSERT INTO domains (execution_key, domain, devices)
             SELECT $1, {DOMAIN}, COUNT(*) FROM {devices} AND {DOMAIN} <> '' GROUP BY 2
             ON CONFLICT DO NOTHING"
        );
        tx.execute(&sql, values)?;
    }
    if zones {
        let sql = format!(
            "INSERT INTO zones SELECT DISTINCT $1, {ZONE} FROM {devices} ON CONFLICT DO NOTHING"
        );
        tx.execute(&sql, values)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fleetward_core::device::DeviceStatus;

    use super::*;
    use crate::Store;

    #[test]
    fn the_busy_devices_of_a_place_are_counted_through_every_change() {
        let store = Store::in_memory().unwrap();
        let begin = |tx: &Tx<'_>| {
            tx.execute(
                "INSERT INTO domains (execution_key, domain, devices) VALUES (1, 'a', 2), (2, 'a', 2)",
                &[],
            )?;
            tx.execute(
                "INSERT INTO assignments (device_key, execution_key, wave, place, status,
                    previous_version, domain, updated_at)
                 VALUES (1, 1, 0, 0, 'pending', '', 'a', 0), (2, 1, 0, 1, 'pending', '', 'a', 0),
                    (3, 1, 0, 2, 'pending', '', '', 0), (1, 2, 0, 0, 'pending', '', 'a', 0)",
                &[],
            )
        };
        store.write_now(begin).unwrap();
        let count = |tx: &Tx<'_>| {
            tx.query_one(
                "SELECT d.busy, (SELECT COUNT(*) FROM assignments a
                    WHERE a.execution_key = 1 AND a.domain = 'a' AND a.status IN
                       ('released', 'downloading', 'installing', 'rebooting'))
                 FROM domains d WHERE execution_key = 1",
                &[],
                |row| Ok((row.int(0)?, row.int(1)?)),
            )
        };
        for before in DeviceStatus::ALL {
            for after in DeviceStatus::ALL {
                let change = |tx: &Tx<'_>| {
                    let sql = "UPDATE assignments SET status = $1 WHERE execution_key = 1
                         AND device_key IN (2, 3)";
                    tx.execute(sql, params![before.name()])?;
                    tx.execute(
                        "UPDATE assignments SET status = $1 WHERE execution_key = 1",
                        params![after.name()],
                    )?;
                    count(tx)
                };
                let (busy, recounted) = store.write_now(change).unwrap();
                assert_eq!(busy, recounted, "{before} to {after}");
            }
        }
        let elsewhere = "SELECT busy FROM domains WHERE execution_key = 2";
        let elsewhere = |tx: &Tx<'_>| tx.query_one(elsewhere, &[], |row| row.int(0));
        assert_eq!(store.read_now(elsewhere).unwrap(), 0);
    }
}
