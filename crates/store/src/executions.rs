//! Executions: the engine's state, its decisions, and when to look again.

use std::collections::BTreeMap;

use fleetward_core::Timestamp;
use fleetward_core::engine::{Decision, Rollout};

use crate::dialect;
use crate::page::{Page, Paged};
use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One execution.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Its number here.
    pub execution_key: i64,
    /// Its public id.
    pub execution_id: String,
    /// The plan it runs.
    pub plan_key: i64,
    /// The plan's public id.
    pub plan_id: String,
    /// Whose devices it updates.
    pub environment: String,
    /// The version that it brings.
    pub firmware_key: i64,
    /// The engine's state.
    pub rollout: Rollout,
    /// How many devices it targets.
    pub devices: u64,
    /// How many matching devices it left out, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// When it was started.
    pub created_at: Timestamp,
    /// Who started it.
    pub created_by: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A decision as it is stored.
#[derive(Clone, Debug)]
pub struct StoredDecision {
    /// Its place in the execution, from 1.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// What was decided, with its numbers.
    pub decision: Decision,
}

const COLUMNS: &str = "execution_key, execution_id, e.plan_key, p.plan_id, e.environment, \
     firmware_key, e.state, e.devices, excluded, e.created_at, e.created_by, finished_at";
const FROM: &str = "executions e JOIN plans p ON p.plan_key = e.plan_key";

fn execution(row: &Row<'_>) -> Result<Execution, StoreError> {
    Ok(Execution {
        execution_key: row.int(0)?,
        execution_id: row.text(1)?,
        plan_key: row.int(2)?,
        plan_id: row.text(3)?,
        environment: row.text(4)?,
        firmware_key: row.int(5)?,
        rollout: row.json(6)?,
        devices: row.count(7)?,
        excluded: row.json(8)?,
        created_at: row.time(9)?,
        created_by: row.text(10)?,
        finished_at: row.time_opt(11)?,
    })
}

/// Adds an execution; its key is given, not taken from `new`.
///
/// # Errors
/// The database fails.
pub fn insert(tx: &Tx<'_>, new: &Execution) -> Result<i64, StoreError> {
    let state = serde_json::to_string(&new.rollout).map_err(StoreError::damaged)?;
    let excluded = serde_json::to_string(&new.excluded).map_err(StoreError::damaged)?;
    tx.query_one(
        "INSERT INTO executions (execution_id, plan_key, environment, firmware_key, state, phase,
            devices, excluded, created_at, created_by, starts_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING execution_key",
        params![
            &new.execution_id,
            new.plan_key,
            &new.environment,
            new.firmware_key,
            &state,
            new.rollout.phase.name(),
            new.devices,
            &excluded,
            new.created_at,
            &new.created_by,
            new.rollout.starts_at,
        ],
        |row| row.int(0),
    )
}

/// Notes how many devices were chosen, and how many matching ones were left out.
///
/// # Errors
/// The database fails.
pub fn chosen(
    tx: &Tx<'_>,
    execution_key: i64,
    devices: u64,
    excluded: &BTreeMap<String, u64>,
) -> Result<(), StoreError> {
    let excluded = serde_json::to_string(excluded).map_err(StoreError::damaged)?;
    tx.execute(
        "UPDATE executions SET devices = $2, excluded = $3 WHERE execution_key = $1",
        params![execution_key, devices, &excluded],
    )
    .map(drop)
}

/// One execution by its public id.
///
/// # Errors
/// The database fails.
pub fn find(tx: &Tx<'_>, execution_id: &str) -> Result<Option<Execution>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE execution_id = $1");
    tx.query_opt(&sql, params![execution_id], execution)
}

/// One execution by its number.
///
/// # Errors
/// The database fails.
pub fn by_key(tx: &Tx<'_>, execution_key: i64) -> Result<Option<Execution>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE execution_key = $1");
    tx.query_opt(&sql, params![execution_key], execution)
}

/// Which executions to list; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    /// In this environment.
    pub environment: Option<String>,
    /// In this phase.
    pub phase: Option<String>,
    /// Of this plan.
    pub plan_id: Option<String>,
    /// Started at or after this.
    pub since: Option<Timestamp>,
}

/// A page of executions, newest first.
///
/// # Errors
/// The database fails.
pub fn list(
    tx: &Tx<'_>,
    filter: &ExecutionFilter,
    page: Page,
) -> Result<Paged<Execution>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {FROM}
         WHERE execution_key < $1 AND ($2 IS NULL OR e.environment = $2)
           AND ($3 IS NULL OR phase = $3) AND ($4 IS NULL OR p.plan_id = $4)
           AND ($5 IS NULL OR e.created_at >= $5)
         ORDER BY execution_key DESC LIMIT $6"
    );
    let values = params![
        page.after.unwrap_or(i64::MAX),
        filter.environment.as_ref(),
        filter.phase.as_ref(),
        filter.plan_id.as_ref(),
        filter.since,
        page.limit + 1,
    ];
    let found = tx.query(&sql, values, |row| {
        execution(row).map(|e| (e.execution_key, e))
    })?;
    Ok(Paged::cut(found, page.limit))
}

/// The unfinished executions.
///
/// # Errors
/// The database fails.
pub fn open(tx: &Tx<'_>) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT execution_key FROM executions WHERE finished_at IS NULL";
    tx.query(sql, &[], |row| row.int(0))
}

/// The executions that something may be due for: the unfinished ones, and those that devices are still
/// late for.
///
/// # Errors
/// The database fails.
pub fn due(tx: &Tx<'_>) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT execution_key FROM executions WHERE finished_at IS NULL
         UNION SELECT execution_key FROM assignments WHERE deadline IS NOT NULL
         UNION SELECT execution_key FROM tallies WHERE class <> 'on_time' AND devices > 0
            AND status = 'pending'";
    tx.query(sql, &[], |row| row.int(0))
}

/// The unfinished executions that bring a version, or take devices through it.
///
/// # Errors
/// The database fails.
pub fn open_of_firmware(tx: &Tx<'_>, firmware_key: i64) -> Result<Vec<i64>, StoreError> {
    let stones = dialect::each_in("p.body -> 'stepping_stones'");
    let sql = format!(
        "SELECT e.execution_key FROM executions e JOIN plans p ON p.plan_key = e.plan_key
         WHERE e.finished_at IS NULL AND (e.firmware_key = $1
            OR (SELECT version FROM firmware WHERE firmware_key = $1) IN
               (SELECT value FROM {stones}))"
    );
    tx.query(&sql, params![firmware_key], |row| row.int(0))
}

/// Stores the engine's new state.
///
/// # Errors
/// The database fails.
pub fn save(
    tx: &Tx<'_>,
    execution_key: i64,
    rollout: &Rollout,
    now: Timestamp,
) -> Result<(), StoreError> {
    let state = serde_json::to_string(rollout).map_err(StoreError::damaged)?;
    let finished_at = rollout.phase.is_finished().then_some(now);
    tx.execute(
        "UPDATE executions SET state = $2, phase = $3, finished_at = COALESCE(finished_at, $4)
         WHERE execution_key = $1",
        params![execution_key, &state, rollout.phase.name(), finished_at],
    )
    .map(drop)
}

/// Appends a decision.
///
/// # Errors
/// The database fails.
pub fn decide(
    tx: &Tx<'_>,
    execution_key: i64,
    decision: &Decision,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let body = serde_json::to_string(decision).map_err(StoreError::damaged)?;
    tx.query_one(
        "INSERT INTO decisions (execution_key, number, at, name, summary, body)
         SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5 FROM decisions
         WHERE execution_key = $1 RETURNING number",
        params![
            execution_key,
            now,
            decision.name(),
            &decision.to_string(),
            &body
        ],
        |row| row.count(0),
    )
}

/// The decisions of an execution, in order.
///
/// # Errors
/// The database fails.
pub fn decisions(tx: &Tx<'_>, execution_key: i64) -> Result<Vec<StoredDecision>, StoreError> {
    tx.query(
        "SELECT number, at, body FROM decisions WHERE execution_key = $1 ORDER BY number",
        params![execution_key],
        |row| {
            Ok(StoredDecision {
                number: row.count(0)?,
                at: row.time(1)?,
                decision: row.json(2)?,
            })
        },
    )
}

/// Whether a version has completed in an environment.
///
/// # Errors
/// The database fails.
pub fn completed(tx: &Tx<'_>, environment: &str, firmware_key: i64) -> Result<bool, StoreError> {
    tx.query_one(
        "SELECT EXISTS (SELECT 1 FROM executions
            WHERE environment = $1 AND firmware_key = $2 AND phase = 'succeeded')",
        params![environment, firmware_key],
        |row| row.truth(0),
    )
}

/// How many executions of an environment are not over.
///
/// # Errors
/// The database fails.
pub fn open_in(tx: &Tx<'_>, environment: &str) -> Result<u64, StoreError> {
    tx.query_one(
        "SELECT COUNT(*) FROM executions WHERE finished_at IS NULL AND environment = $1",
        params![environment],
        |row| row.count(0),
    )
}

/// Executions of one environment in one phase.
#[derive(Clone, Debug)]
pub struct SummaryLine {
    /// The environment.
    pub environment: String,
    /// The phase, or how they ended.
    pub phase: String,
    /// How many.
    pub executions: u64,
    /// How many of them are over.
    pub finished: u64,
    /// How long the finished ones took together, in seconds.
    pub seconds: f64,
}

/// Executions started at or after `since`, by environment and phase.
///
/// # Errors
/// The database fails.
pub fn summary(tx: &Tx<'_>, since: Option<Timestamp>) -> Result<Vec<SummaryLine>, StoreError> {
    tx.query(
        "SELECT environment, phase, COUNT(*), COUNT(finished_at),
            COALESCE(SUM(finished_at - created_at), 0)
         FROM executions WHERE $1 IS NULL OR created_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2",
        params![since],
        |row| {
            Ok(SummaryLine {
                environment: row.text(0)?,
                phase: row.text(1)?,
                executions: row.count(2)?,
                finished: row.count(3)?,
                seconds: row.int(4)? as f64 / 1000.0,
            })
        },
    )
}
