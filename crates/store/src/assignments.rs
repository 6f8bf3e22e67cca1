//! Which device is in which wave of which execution, and where it stands.

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus, FailureKind};
use fleetward_core::engine::Slot;

use crate::dialect;
use crate::page::{Page, Paged};
use crate::params::params;
use crate::{Row, StoreError, Tx, spread, tallies};

/// A device in an execution.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The device's number here.
    pub device_key: i64,
    /// The device's own id.
    pub device_id: String,
    /// The execution's public id.
    pub execution_id: String,
    /// Its wave.
    pub wave: u32,
    /// Where it stands.
    pub status: DeviceStatus,
    /// How it belongs to the execution.
    pub class: Class,
    /// The version that it had.
    pub previous_version: String,
    /// How it failed.
    pub failure: Option<FailureKind>,
    /// How many attempts failed.
    pub failures: u32,
    /// When it may be offered the update again.
    pub retry_at: Option<Timestamp>,
    /// Versions that it has to pass through before.
    pub stones_left: u32,
    /// Its time zone, where the execution minds it.
    pub zone: Option<String>,
    /// The attempt that is or was last offered to it.
    pub action_id: Option<u32>,
    /// When it will be given up.
    pub deadline: Option<Timestamp>,
    /// When this last changed.
    pub updated_at: Timestamp,
}

/// A device's time zone and place, where its execution minds them.
pub(crate) const ZONE: &str =
    "CASE WHEN e.by_zone = 1 THEN COALESCE(d.attributes ->> 'timezone', '') END";
/// Empty for a device without the attribute, so that an index finds those too.
pub(crate) const DOMAIN: &str = "CASE WHEN e.domain_attribute IS NOT NULL \
     THEN COALESCE(d.attributes ->> e.domain_attribute, '') END";

/// Devices in one part of a kept wave.
const PART: usize = 50_000;

/// Chooses the devices of an execution, wave by wave. The first wave is written out at once; the others
/// are kept as lists until [`write_out`].
///
/// # Errors
/// The database fails.
pub fn choose(
    tx: &Tx<'_>,
    execution_key: i64,
    waves: &[Vec<i64>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut moves = tallies::Moves::default();
    let parts = waves.iter().enumerate().flat_map(|(wave, devices)| {
        let parts = devices.chunks(PART);
        parts.map(move |part| (wave as u32, part))
    });
    for (number, (wave, part)) in parts.enumerate() {
        let devices = serde_json::to_string(part).map_err(StoreError::damaged)?;
        tx.execute(
            "INSERT INTO kept_waves (execution_key, part, wave, first_place, devices, chosen_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![
                execution_key,
                number as u64,
                wave,
                (number * PART) as u64,
                &devices,
                now
            ],
        )?;
        let slot = Slot::new(DeviceStatus::Pending, Class::OnTime);
        moves.add((execution_key, wave, slot), part.len() as i64);
    }
    moves.write(tx)?;
    spread::note(tx, execution_key, 0..=i64::MAX)?;
    let first = waves.first().map_or(0, |wave| wave.len().div_ceil(PART));
    write_out(tx, Some(execution_key), first as u32).map(drop)
}

/// Writes out up to `parts` parts of kept waves, of one execution or of all; true when some are left.
///
/// # Errors
/// The database fails.
pub fn write_out(tx: &Tx<'_>, execution_key: Option<i64>, parts: u32) -> Result<bool, StoreError> {
    let (first, last) = execution_key.map_or((0, i64::MAX), |key| (key, key));
    let kept = tx.query(
        "SELECT execution_key, part FROM kept_waves WHERE execution_key BETWEEN $1 AND $2
         ORDER BY execution_key, part LIMIT $3",
        params![first, last, u64::from(parts) + 1],
        |row| Ok((row.int(0)?, row.int(1)?)),
    )?;
    let list = dialect::numbered_list(
        "(SELECT devices FROM kept_waves WHERE execution_key = $1 AND part = $2)",
    );
    // In the order of the devices' numbers, which is that of the table.
    let sql = format!(
        "INSERT INTO assignments (device_key, execution_key, wave, place, status, previous_version,
            previous_firmware_key, stones_left, zone, domain, updated_at)
         SELECT d.device_key, kept.execution_key, kept.wave, kept.first_place + chosen.place,
            'pending', d.version, f.firmware_key, COALESCE(s.stones, 0), {ZONE}, {DOMAIN},
            kept.chosen_at
         FROM {list} AS chosen
         CROSS JOIN kept_waves kept
         JOIN executions e ON e.execution_key = kept.execution_key
         JOIN devices d ON d.device_key = chosen.device
         LEFT JOIN firmware f ON f.version = d.version
         LEFT JOIN stone_devices s
            ON s.execution_key = kept.execution_key AND s.device_key = d.device_key
         WHERE kept.execution_key = $1 AND kept.part = $2 ORDER BY d.device_key"
    );
    for (execution_key, part) in kept.iter().take(parts as usize) {
        tx.execute(&sql, params![*execution_key, *part])?;
        // What a device says of its whereabouts may have changed since it was chosen.
        spread::note(tx, *execution_key, *part..=*part)?;
        let forget = "DELETE FROM kept_waves WHERE execution_key = $1 AND part = $2";
        tx.execute(forget, params![*execution_key, *part])?;
    }
    Ok(kept.len() > parts as usize)
}

/// Devices of an environment that another execution may still tell something: those that an unfinished
/// one holds or may call back, and those that fetched an offer and are not through. Devices that never
/// came for a late offer are free.
///
/// # Errors
/// The database fails.
pub fn busy(tx: &Tx<'_>, environment: &str) -> Result<Vec<i64>, StoreError> {
    tx.query(
        "SELECT a.device_key FROM executions e
         JOIN assignments a ON a.execution_key = e.execution_key
         JOIN devices d ON d.device_key = a.device_key
         WHERE e.finished_at IS NULL AND d.environment = $1
           AND NOT (a.class <> 'on_time' AND a.status = 'pending')
           AND a.status NOT IN ('failed', 'skipped', 'cancelled', 'rolled_back', 'rollback_failed')
         UNION
         SELECT o.device_key FROM actions o
         JOIN devices d ON d.device_key = o.device_key
         JOIN assignments a
            ON a.device_key = o.device_key AND a.execution_key = o.execution_key
         WHERE o.state <> 'closed' AND d.environment = $1 AND a.status <> 'released'
         ORDER BY 1",
        params![environment],
        |row| row.int(0),
    )
}

const COLUMNS: &str = "a.device_key, d.device_id, e.execution_id, a.wave, a.status, a.class, \
     a.previous_version, COALESCE(a.failure, ''), a.action_id, a.deadline, a.updated_at, a.failures, \
     a.retry_at, a.stones_left, a.zone";
const FROM: &str = "assignments a JOIN devices d ON d.device_key = a.device_key \
     JOIN executions e ON e.execution_key = a.execution_key";

fn assignment(row: &Row<'_>) -> Result<Assignment, StoreError> {
    Ok(Assignment {
        device_key: row.int(0)?,
        device_id: row.text(1)?,
        execution_id: row.text(2)?,
        wave: row.small(3)?,
        status: row.word(4)?,
        class: row.word(5)?,
        previous_version: row.text(6)?,
        failure: tallies::failure(row.str(7)?)?,
        action_id: row
            .int_opt(8)?
            .map(u32::try_from)
            .transpose()
            .map_err(StoreError::damaged)?,
        deadline: row.time_opt(9)?,
        updated_at: row.time(10)?,
        failures: row.small(11)?,
        retry_at: row.time_opt(12)?,
        stones_left: row.small(13)?,
        zone: row.text_opt(14)?,
    })
}

/// A page of an execution's devices.
///
/// # Errors
/// The database fails.
pub fn of_execution(
    tx: &Tx<'_>,
    execution_key: i64,
    status: Option<DeviceStatus>,
    wave: Option<u32>,
    page: Page,
) -> Result<Paged<Assignment>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {FROM}
         WHERE a.execution_key = $1 AND a.device_key > $2 AND ($3 IS NULL OR a.status = $3)
           AND ($4 IS NULL OR a.wave = $4)
         ORDER BY a.device_key LIMIT $5"
    );
    let status = status.map(DeviceStatus::name);
    let values = params![
        execution_key,
        page.after.unwrap_or(0),
        status,
        wave,
        page.limit + 1
    ];
    let found = tx.query(&sql, values, |row| {
        assignment(row).map(|a| (a.device_key, a))
    })?;
    Ok(Paged::cut(found, page.limit))
}

/// A device in one execution.
///
/// # Errors
/// The database fails.
pub fn find(
    tx: &Tx<'_>,
    device_key: i64,
    execution_key: i64,
) -> Result<Option<Assignment>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM {FROM} WHERE a.device_key = $1 AND a.execution_key = $2");
    tx.query_opt(&sql, params![device_key, execution_key], assignment)
}

/// A device's executions, newest first.
///
/// # Errors
/// The database fails.
pub fn of_device(tx: &Tx<'_>, device_key: i64, limit: u32) -> Result<Vec<Assignment>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE a.device_key = $1
         ORDER BY a.execution_key DESC LIMIT $2"
    );
    tx.query(&sql, params![device_key, limit], assignment)
}
