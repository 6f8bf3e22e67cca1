//! Plans and who approved them.

use fleetward_core::Timestamp;
use fleetward_core::plan::{Plan, PlanState};

use crate::page::{Page, Paged};
use crate::params::params;
use crate::{Row, StoreError, Tx};

/// A plan as it is stored.
#[derive(Clone, Debug)]
pub struct StoredPlan {
    /// Its number here.
    pub plan_key: i64,
    /// Its public id.
    pub plan_id: String,
    /// Where it stands.
    pub state: PlanState,
    /// The plan itself.
    pub plan: Plan,
    /// SHA-256 of the plan, hex: what an approval is bound to.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When and by whom it was approved.
    pub approved: Option<(Timestamp, String)>,
    /// What the approver said.
    pub comment: Option<String>,
}

const COLUMNS: &str = "plan_key, plan_id, state, body, digest, created_at, created_by, approved_at, \
     approved_by, comment";

fn plan(row: &Row<'_>) -> Result<StoredPlan, StoreError> {
    Ok(StoredPlan {
        plan_key: row.int(0)?,
        plan_id: row.text(1)?,
        state: row.word(2)?,
        plan: row.json(3)?,
        digest: row.text(4)?,
        created_at: row.time(5)?,
        created_by: row.text(6)?,
        approved: row.time_opt(7)?.zip(row.text_opt(8)?),
        comment: row.text_opt(9)?,
    })
}

/// Adds a plan; its key is given, not taken from `new`.
///
/// # Errors
/// The database fails.
pub fn insert(tx: &Tx<'_>, new: &StoredPlan) -> Result<i64, StoreError> {
    let body = serde_json::to_string(&new.plan).map_err(StoreError::damaged)?;
    let (approved_at, approved_by) = new.approved.as_ref().map(|(at, by)| (*at, by)).unzip();
    tx.query_one(
        "INSERT INTO plans (plan_id, environment, state, body, digest, created_at, created_by,
            approved_at, approved_by, comment)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING plan_key",
        params![
            &new.plan_id,
            &new.plan.target_environment,
            new.state.name(),
            &body,
            &new.digest,
            new.created_at,
            &new.created_by,
            approved_at,
            approved_by,
            new.comment.as_ref(),
        ],
        |row| row.int(0),
    )
}

/// One plan by its public id.
///
/// # Errors
/// The database fails.
pub fn find(tx: &Tx<'_>, plan_id: &str) -> Result<Option<StoredPlan>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM plans WHERE plan_id = $1");
    tx.query_opt(&sql, params![plan_id], plan)
}

/// One plan by its number.
///
/// # Errors
/// The database fails.
pub fn by_key(tx: &Tx<'_>, plan_key: i64) -> Result<Option<StoredPlan>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM plans WHERE plan_key = $1");
    tx.query_opt(&sql, params![plan_key], plan)
}

/// A page of plans, newest first.
///
/// # Errors
/// The database fails.
pub fn list(
    tx: &Tx<'_>,
    environment: Option<&str>,
    state: Option<PlanState>,
    page: Page,
) -> Result<Paged<StoredPlan>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM plans
         WHERE plan_key < $1 AND ($2 IS NULL OR environment = $2) AND ($3 IS NULL OR state = $3)
         ORDER BY plan_key DESC LIMIT $4"
    );
    let state = state.map(PlanState::name);
    let values = params![
        page.after.unwrap_or(i64::MAX),
        environment,
        state,
        page.limit + 1
    ];
    let found = tx.query(&sql, values, |row| plan(row).map(|p| (p.plan_key, p)))?;
    Ok(Paged::cut(found, page.limit))
}

/// Records an approval.
///
/// # Errors
/// The database fails.
pub fn approve(
    tx: &Tx<'_>,
    plan_key: i64,
    by: &str,
    comment: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE plans SET state = 'approved', approved_at = $2, approved_by = $3, comment = $4
         WHERE plan_key = $1",
        params![plan_key, now, by, comment],
    )
    .map(drop)
}

/// Moves a plan to another state.
///
/// # Errors
/// The database fails.
pub fn set_state(tx: &Tx<'_>, plan_key: i64, state: PlanState) -> Result<(), StoreError> {
    let sql = "UPDATE plans SET state = $2 WHERE plan_key = $1";
    tx.execute(sql, params![plan_key, state.name()]).map(drop)
}
