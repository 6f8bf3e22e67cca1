//! A device's parts in executions: which of them counts now, and what is known of it there.

use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

/// The part of a device that counts now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// In which execution.
    pub execution_key: i64,
    /// That execution is not over, or it still has something for the device.
    pub open: bool,
}

/// The part of a device that counts now: that in an execution that is not over, or one that still has something for
/// it, or else the last one.
///
/// # Errors
/// The database fails.
pub fn current(tx: &Tx<'_>, device_key: i64) -> Result<Option<Part>, StoreError> {
    let list = dialect::each_in("k.devices");
    let sql = format!(
        "SELECT execution_key, open FROM (
            SELECT a.execution_key AS execution_key, e.finished_at IS NULL AS runs,
                e.finished_at IS NULL OR a.status IN ('pending', 'released', 'downloading',
                    'installing', 'rebooting', 'verifying', 'rolling_back') AS open
            FROM assignments a JOIN executions e ON e.execution_key = a.execution_key
            WHERE a.device_key = $1
            UNION ALL
            SELECT k.execution_key, 1, 1 FROM kept_waves k CROSS JOIN {list} AS chosen
            WHERE chosen.value = $1)
         ORDER BY runs DESC, open DESC, execution_key DESC LIMIT 1"
    );
    tx.query_opt(&sql, params![device_key], |row| {
        Ok(Part {
            execution_key: row.int(0)?,
            open: row.truth(1)?,
        })
    })
}

/// The wave that a device is kept for in an execution that has not written it out yet.
///
/// # Errors
/// The database fails.
pub fn kept_wave(
    tx: &Tx<'_>,
    device_key: i64,
    execution_key: i64,
) -> Result<Option<u32>, StoreError> {
    let list = dialect::each_in("k.devices");
    let sql = format!(
        "SELECT k.wave FROM kept_waves k CROSS JOIN {list} AS chosen
         WHERE k.execution_key = $2 AND chosen.value = $1 LIMIT 1"
    );
    let values = params![device_key, execution_key];
    tx.query_opt(&sql, values, |row| row.small(0))
}

/// How often an execution offered a device its update.
///
/// # Errors
/// The database fails.
pub fn offers(tx: &Tx<'_>, device_key: i64, execution_key: i64) -> Result<u32, StoreError> {
    tx.query_one(
        "SELECT COUNT(*) FROM actions
         WHERE device_key = $1 AND execution_key = $2 AND kind = 'deploy'",
        params![device_key, execution_key],
        |row| row.small(0),
    )
}

/// The newest execution of an environment that is not over.
///
/// # Errors
/// The database fails.
pub fn newest_open(tx: &Tx<'_>, environment: &str) -> Result<Option<i64>, StoreError> {
    tx.query_opt(
        "SELECT execution_key FROM executions WHERE finished_at IS NULL AND environment = $1
         ORDER BY execution_key DESC LIMIT 1",
        params![environment],
        |row| row.int(0),
    )
}

/// The lowest version that a device says it may run; empty when it does not say.
///
/// # Errors
/// The database fails.
pub fn security_floor(tx: &Tx<'_>, device_key: i64) -> Result<String, StoreError> {
    let sql = "SELECT security_floor FROM devices WHERE device_key = $1";
    tx.query_one(sql, params![device_key], |row| row.text(0))
}
