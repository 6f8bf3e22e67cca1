//! Who may start: executions that wait for others, and what the others of an environment risk.

use fleetward_core::Timestamp;
use fleetward_core::engine::{Queue, Rollout};

use crate::params::params;
use crate::{StoreError, Tx, tallies};

/// How many executions may run at once.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// In all environments together.
    pub everywhere: Option<u64>,
    /// In single environments.
    pub environments: std::collections::BTreeMap<String, u64>,
}

struct Open {
    execution_key: i64,
    environment: String,
    waits: bool,
    due: bool,
}

/// The place of an execution in the queue; none when there is room for it. The older one goes first,
/// but one that its own environment has no room for holds up no other environment, and one that is
/// paused or not due holds up nobody.
///
/// # Errors
/// The database fails.
pub fn place(
    tx: &Tx<'_>,
    execution_key: i64,
    slots: &Slots,
    now: Timestamp,
) -> Result<Option<Queue>, StoreError> {
    let open = unfinished(tx, now)?;
    let Some(own) = open.iter().find(|e| e.execution_key == execution_key) else {
        return Ok(None);
    };
    let mut running: Vec<&Open> = open.iter().filter(|e| !e.waits).collect();
    let started = running.len();
    let mut ahead: Vec<&Open> = Vec::new();
    for other in open.iter().filter(|e| e.waits && e.due) {
        let full = no_room(&running, other, slots);
        if other.execution_key == execution_key {
            return Ok(full.map(|full| full.place(&running[..started], &ahead)));
        }
        if full.is_none() {
            running.push(other);
        }
        ahead.push(other);
    }
    Ok(no_room(&running, own, slots).map(|full| full.place(&running[..started], &ahead)))
}

/// A limit that is reached.
struct Full {
    environment: Option<String>,
    limit: u64,
}

impl Full {
    fn place(self, running: &[&Open], ahead: &[&Open]) -> Queue {
        let concerned = |e: &&&Open| {
            self.environment
                .as_ref()
                .is_none_or(|environment| *environment == e.environment)
        };
        Queue {
            ahead: ahead.iter().filter(concerned).count() as u64,
            running: running.iter().filter(concerned).count() as u64,
            limit: self.limit,
            environment: self.environment,
        }
    }
}

fn no_room(running: &[&Open], own: &Open, slots: &Slots) -> Option<Full> {
    let here = running
        .iter()
        .filter(|e| e.environment == own.environment)
        .count() as u64;
    let of_environment = slots.environments.get(&own.environment).copied();
    if let Some(limit) = of_environment.filter(|limit| here >= *limit) {
        let environment = Some(own.environment.clone());
        return Some(Full { environment, limit });
    }
    let everywhere = running.len() as u64;
    let limit = slots.everywhere.filter(|limit| everywhere >= *limit)?;
    Some(Full {
        environment: None,
        limit,
    })
}

fn unfinished(tx: &Tx<'_>, now: Timestamp) -> Result<Vec<Open>, StoreError> {
    tx.query(
        "SELECT execution_key, environment, phase IN ('queued', 'paused', 'halted') AND devices = 0,
            phase = 'queued' AND (starts_at IS NULL OR starts_at <= $1)
         FROM executions WHERE finished_at IS NULL ORDER BY execution_key",
        params![now],
        |row| {
            Ok(Open {
                execution_key: row.int(0)?,
                environment: row.text(1)?,
                waits: row.truth(2)?,
                due: row.truth(3)?,
            })
        },
    )
}

/// Devices of an environment that executions other than this one exposed to their update and have not
/// proven.
///
/// # Errors
/// The database fails.
pub fn unproven_elsewhere(
    tx: &Tx<'_>,
    execution_key: i64,
    environment: &str,
) -> Result<u64, StoreError> {
    let others = tx.query(
        "SELECT execution_key, state FROM executions
         WHERE finished_at IS NULL AND environment = $1 AND execution_key <> $2",
        params![environment, execution_key],
        |row| Ok((row.int(0)?, row.json::<Rollout>(1)?)),
    )?;
    let mut unproven = late_after_the_end(tx, environment)?;
    for (key, rollout) in others {
        let census = tallies::census(tx, key, rollout.waves.len())?;
        unproven += rollout.unproven(&census);
    }
    Ok(unproven)
}

/// Devices that came late for executions that are over, and are under way.
fn late_after_the_end(tx: &Tx<'_>, environment: &str) -> Result<u64, StoreError> {
    tx.query_one(
        "SELECT COALESCE(SUM(t.devices), 0) FROM tallies t
         JOIN executions e ON e.execution_key = t.execution_key
         WHERE t.class <> 'on_time' AND t.devices > 0
           AND t.status IN ('released', 'downloading', 'installing', 'rebooting', 'verifying')
           AND e.finished_at IS NOT NULL AND e.environment = $1",
        params![environment],
        |row| row.count(0),
    )
}
