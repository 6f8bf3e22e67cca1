//! Counts of devices by wave and status, moved in the same transaction as the devices themselves.

use std::collections::BTreeMap;

use fleetward_core::device::{Class, DeviceStatus, FailureKind};
use fleetward_core::engine::{Census, Slot, Tally};
use serde::Serialize;

use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

/// Where a device is counted: in which execution, wave and slot.
pub(crate) type Place = (i64, u32, Slot);

/// Moves of devices between counts, gathered before they are written.
#[derive(Debug, Default)]
pub(crate) struct Moves(BTreeMap<Place, i64>);

impl Moves {
    pub(crate) fn add(&mut self, place: Place, devices: i64) {
        *self.0.entry(place).or_default() += devices;
    }

    pub(crate) fn one(&mut self, from: Place, to: Place) {
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
            class: &'static str,
            failure: &'static str,
            devices: i64,
        }
        let lines: Vec<Line> = self
            .0
            .into_iter()
            .filter(|(_, devices)| *devices != 0)
            .map(|((execution, wave, slot), devices)| Line {
                execution,
                wave,
                status: slot.status.name(),
                class: slot.class.name(),
                failure: slot.failure.map_or("", FailureKind::name),
                devices,
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        let json = serde_json::to_string(&lines).map_err(StoreError::damaged)?;
        let rows = dialect::rows(
            "$1",
            &["execution", "wave", "status", "class", "failure", "devices"],
        );
        let sql = format!(
            "INSERT INTO tallies (execution_key, wave, status, class, failure, devices)
             SELECT execution, wave, status, class, failure, devices FROM {rows} WHERE true
             ON CONFLICT (execution_key, wave, status, class, failure)
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
    let (offers, by_zone) = tx.query_one(
        "SELECT offers, by_zone FROM executions WHERE execution_key = $1",
        params![execution_key],
        |row| Ok((row.count(0)?, row.truth(1)?)),
    )?;
    let mut census = Census {
        waves: vec![Tally::default(); waves],
        earliest_deadline: earliest(tx, "deadline", execution_key)?,
        next_retry: earliest(tx, "retry_at", execution_key)?,
        offers,
        zones: Vec::new(),
    };
    if by_zone {
        let sql = "SELECT zone FROM zones WHERE execution_key = $1 ORDER BY zone";
        census.zones = tx.query(sql, params![execution_key], |row| row.text(0))?;
    }
    for (wave, slot, devices) in counted(tx, execution_key)? {
        let tally = census.waves.get_mut(wave as usize);
        tally
            .ok_or_else(|| StoreError::damaged("a wave"))?
            .add(slot, devices);
    }
    Ok(census)
}

fn counted(tx: &Tx<'_>, execution_key: i64) -> Result<Vec<(u32, Slot, u64)>, StoreError> {
    tx.query(
        "SELECT wave, status, class, failure, devices FROM tallies
         WHERE execution_key = $1 AND devices > 0",
        params![execution_key],
        |row| {
            let slot = Slot {
                status: row.word::<DeviceStatus>(1)?,
                class: row.word::<Class>(2)?,
                failure: failure(row.str(3)?)?,
            };
            Ok((row.small(0)?, slot, row.count(4)?))
        },
    )
}

/// A kind of failure as it is counted; empty for none.
pub(crate) fn failure(word: &str) -> Result<Option<FailureKind>, StoreError> {
    match word {
        "" => Ok(None),
        word => word.parse().map(Some).map_err(StoreError::damaged),
    }
}

fn earliest(
    tx: &Tx<'_>,
    column: &str,
    execution_key: i64,
) -> Result<Option<fleetward_core::Timestamp>, StoreError> {
    let sql = format!(
        "SELECT MIN({column}) FROM assignments WHERE execution_key = $1 AND {column} IS NOT NULL"
    );
    tx.query_one(&sql, params![execution_key], |row| row.time_opt(0))
}
