//! Counts of devices by wave and status, moved in the same transaction as the devices themselves.

use std::collections::BTreeMap;

use fleetward_core::device::DeviceStatus;
use fleetward_core::engine::{Census, Tally};
use serde::Serialize;

use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

/// Where a device is counted.
pub(crate) type Slot = (i64, u32, DeviceStatus, bool);

/// Moves of devices between counts, gathered before they are written.
#[derive(Debug, Default)]
pub(crate) struct Moves(BTreeMap<Slot, i64>);

impl Moves {
    pub(crate) fn add(&mut self, slot: Slot, devices: i64) {
        *self.0.entry(slot).or_default() += devices;
    }

    pub(crate) fn one(&mut self, from: Slot, to: Slot) {
        if from != to {
            self.add(from, -1);
            self.add(to, 1);
        }
    }

    /// Writes the moves: one statement, whatever their number.
    pub(crate) fn write(self, tx: &Tx<'_>) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Line {
            execution: i64,
            wave: u32,
            status: &'static str,
            late: i64,
            devices: i64,
        }
        let lines: Vec<Line> = self
            .0
            .into_iter()
            .filter(|(_, devices)| *devices != 0)
            .map(|((execution, wave, status, late), devices)| Line {
                execution,
                wave,
                status: status.name(),
                late: i64::from(late),
                devices,
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_string(&lines).map_err(StoreError::damaged)?;
        let rows = dialect::rows("$1", &["execution", "wave", "status", "late", "devices"]);
        let sql = format!(
            "INSERT INTO tallies (execution_key, wave, status, late, devices)
             SELECT execution, wave, status, late, devices FROM {rows} WHERE true
             ON CONFLICT (execution_key, wave, status, late)
             DO UPDATE SET devices = tallies.devices + excluded.devices"
        );
        tx.execute(&sql, params![&json]).map(drop)
    }
}

/// The counts that the engine decides on.
///
/// # Errors
/// The database fails.
pub fn census(tx: &Tx<'_>, execution_key: i64, waves: usize) -> Result<Census, StoreError> {
    let mut census = Census {
        waves: vec![Tally::default(); waves],
        earliest_deadline: None,
    };
    let counted = tx.query(
        "SELECT wave, status, late, devices FROM tallies WHERE execution_key = $1 AND devices > 0",
        params![execution_key],
        |row| Ok((row.small(0)?, row.word(1)?, row.truth(2)?, row.count(3)?)),
    )?;
    for (wave, status, late, devices) in counted {
        let tally = census.waves.get_mut(wave as usize);
        tally
            .ok_or_else(|| StoreError::damaged("a wave"))?
            .add(status, late, devices);
    }
    census.earliest_deadline = tx.query_one(
        "SELECT MIN(deadline) FROM assignments WHERE execution_key = $1 AND deadline IS NOT NULL",
        params![execution_key],
        |row| row.time_opt(0),
    )?;
    Ok(census)
}
