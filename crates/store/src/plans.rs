//! Plans and their revisions. What people said of them is in `approvals`.

use fleetward_core::Timestamp;
use fleetward_core::plan::{Plan, PlanState, Review};

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
    /// Where it stood when this was written; it may have expired since.
    pub state: PlanState,
    /// The newest revision, from 1.
    pub revision: u32,
    /// That revision itself.
    pub plan: Plan,
    /// SHA-256 of what an approval is bound to, hex.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When and by whom it was approved.
    pub approved: Option<(Timestamp, String)>,
    /// What the approver said.
    pub comment: Option<String>,
    /// When it expires, unless it is executed before.
    pub expires_at: Option<Timestamp>,
    /// How many devices matched when it was approved.
    pub devices: Option<u64>,
    /// Whether somebody must still look at it.
    pub review: Review,
}

/// An earlier revision of a plan.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: u32,
    /// Where it stands.
    pub state: PlanState,
    /// The plan as it was then.
    pub plan: Plan,
    /// SHA-256 of what an approval was bound to, hex.
    pub digest: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub created_by: String,
}

/// Which plans to list; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct PlanFilter {
    /// For this environment.
    pub environment: Option<String>,
    /// In this state, as it is now.
    pub state: Option<PlanState>,
    /// With this review.
    pub review: Option<Review>,
}

const COLUMNS: &str = "plan_key, plan_id, state, body, digest, created_at, created_by, approved_at, \
     approved_by, comment, revision, expires_at, devices, review";

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
        revision: row.small(10)?,
        expires_at: row.time_opt(11)?,
        devices: row
            .int_opt(12)?
            .map(|n| u64::try_from(n).map_err(StoreError::damaged))
            .transpose()?,
        review: row.word(13)?,
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
            approved_at, approved_by, comment, revision, expires_at, devices, review)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         RETURNING plan_key",
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
            new.revision,
            new.expires_at,
            new.devices,
            new.review.name(),
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

/// The text of a plan as it was written: what its digest is made of, whatever this program reads into it.
///
/// # Errors
/// There is no such plan, or the database fails.
pub fn text(tx: &Tx<'_>, plan_key: i64) -> Result<String, StoreError> {
    let sql = "SELECT body FROM plans WHERE plan_key = $1";
    tx.query_one(sql, params![plan_key], |row| row.text(0))
}

/// A page of plans, newest first, with the states that they have at `now`.
///
/// # Errors
/// The database fails.
pub fn list(
    tx: &Tx<'_>,
    filter: &PlanFilter,
    now: Timestamp,
    page: Page,
) -> Result<Paged<StoredPlan>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM plans
         WHERE plan_key < $1 AND ($2 IS NULL OR environment = $2)
           AND ($3 IS NULL OR $3 = CASE
                WHEN state IN ('pending_approval', 'approved') AND expires_at <= $5 THEN 'expired'
                ELSE state END)
           AND ($4 IS NULL OR review = $4)
         ORDER BY plan_key DESC LIMIT $6"
    );
    let values = params![
        page.after.unwrap_or(i64::MAX),
        filter.environment.as_ref(),
        filter.state.map(PlanState::name),
        filter.review.map(Review::name),
        now,
        page.limit + 1,
    ];
    let found = tx.query(&sql, values, |row| {
        let mut found = plan(row)?;
        if found.state.waits() && found.expires_at.is_some_and(|at| at <= now) {
            found.state = PlanState::Expired;
        }
        Ok((found.plan_key, found))
    })?;
    Ok(Paged::cut(found, page.limit))
}

/// Stores where a plan stands now; false where another revision took the place of `plan`'s meanwhile.
///
/// # Errors
/// The database fails.
pub fn settle(tx: &Tx<'_>, plan: &StoredPlan) -> Result<bool, StoreError> {
    let (approved_at, approved_by) = plan.approved.as_ref().map(|(at, by)| (*at, by)).unzip();
    let changed = tx.execute(
        "UPDATE plans SET state = $3, approved_at = $4, approved_by = $5, comment = $6,
            expires_at = $7, devices = $8, review = $9
         WHERE plan_key = $1 AND revision = $2",
        params![
            plan.plan_key,
            plan.revision,
            plan.state.name(),
            approved_at,
            approved_by,
            plan.comment.as_ref(),
            plan.expires_at,
            plan.devices,
            plan.review.name(),
        ],
    )?;
    Ok(changed == 1)
}

/// Puts `new` in the place of the revision before it, which is kept as superseded: written at `at` by
/// `by`. False where the plan has another revision than that one.
///
/// # Errors
/// The database fails.
pub fn revise(
    tx: &Tx<'_>,
    new: &StoredPlan,
    (at, by): (Timestamp, &str),
) -> Result<bool, StoreError> {
    tx.execute(
        "INSERT INTO plan_revisions (plan_key, revision, state, body, digest, created_at, created_by)
         SELECT plan_key, revision, 'superseded', body, digest, $3, $4 FROM plans
         WHERE plan_key = $1 AND revision = $2",
        params![new.plan_key, new.revision - 1, at, by],
    )?;
    let body = serde_json::to_string(&new.plan).map_err(StoreError::damaged)?;
    let changed = tx.execute(
        "UPDATE plans SET revision = $3, body = $4, digest = $5, environment = $6
         WHERE plan_key = $1 AND revision = $2",
        params![
            new.plan_key,
            new.revision - 1,
            new.revision,
            &body,
            &new.digest,
            &new.plan.target_environment,
        ],
    )?;
    Ok(changed == 1 && settle(tx, new)?)
}

/// The earlier revisions of a plan, oldest first.
///
/// # Errors
/// The database fails.
pub fn revisions(tx: &Tx<'_>, plan_key: i64) -> Result<Vec<Revision>, StoreError> {
    tx.query(
        "SELECT revision, state, body, digest, created_at, created_by FROM plan_revisions
         WHERE plan_key = $1 ORDER BY revision",
        params![plan_key],
        |row| {
            Ok(Revision {
                revision: row.small(0)?,
                state: row.word(1)?,
                plan: row.json(2)?,
                digest: row.text(3)?,
                created_at: row.time(4)?,
                created_by: row.text(5)?,
            })
        },
    )
}

/// Notes on an execution which revision of its plan it runs, and that the plan was executed.
///
/// # Errors
/// The database fails.
pub fn executed(tx: &Tx<'_>, plan: &StoredPlan, execution_key: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE executions SET revision = $2 WHERE execution_key = $1",
        params![execution_key, plan.revision],
    )?;
    let sql = "UPDATE plans SET state = 'executed' WHERE plan_key = $1";
    tx.execute(sql, params![plan.plan_key]).map(drop)
}

/// The plan that an execution runs, as it was approved.
///
/// # Errors
/// The database fails.
pub fn of_execution(tx: &Tx<'_>, execution_key: i64) -> Result<Option<Plan>, StoreError> {
    tx.query_opt(
        "SELECT p.body FROM executions e JOIN plans p ON p.plan_key = e.plan_key
         WHERE e.execution_key = $1",
        params![execution_key],
        |row| row.json(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn first() -> StoredPlan {
        let plan = serde_json::json!({
            "name": "first", "firmware_version": "2.0.0", "target_environment": "field",
            "strategy": "immediate", "rollout_percentage": 100, "canary_percentage": 10,
            "canary_steps": [100], "batch_percentage": 50, "monitor_seconds": 0,
            "rollback_criteria": {}, "auto_rollback": true, "device_timeout": 3600,
            "rollback_timeout": 600, "offline_policy": "late",
        });
        StoredPlan {
            plan_key: 1,
            plan_id: "plan_1".into(),
            state: PlanState::PendingApproval,
            revision: 1,
            plan: serde_json::from_value(plan).unwrap(),
            digest: "digest 1".into(),
            created_at: at(0),
            created_by: "ann".into(),
            approved: None,
            comment: None,
            expires_at: Some(at(100)),
            devices: None,
            review: Review::None,
        }
    }

    fn second() -> StoredPlan {
        let mut second = first();
        second.revision = 2;
        second.plan.name = "second".into();
        second.digest = "digest 2".into();
        second.review = Review::Owed;
        second
    }

    #[test]
    fn a_revision_takes_the_place_of_the_one_before_and_of_no_other() {
        let store = Store::in_memory().unwrap();
        let revise = |plan: StoredPlan| {
            store
                .write_now(move |tx| revise(tx, &plan, (at(5), "ann")))
                .unwrap()
        };
        store.write_now(|tx| insert(tx, &first())).unwrap();
        assert!(revise(second()));
        assert!(!revise(second()), "somebody else was faster");
        let mut late = first();
        late.state = PlanState::Approved;
        assert!(!store.write_now(move |tx| settle(tx, &late)).unwrap());

        let found = store.read_now(|tx| find(tx, "plan_1")).unwrap().unwrap();
        assert_eq!((found.plan.name.as_str(), found.revision), ("second", 2));
        assert_eq!(found.state, PlanState::PendingApproval);
        let kept = store.read_now(|tx| revisions(tx, 1)).unwrap();
        let [kept] = kept.as_slice() else {
            panic!("{kept:?}");
        };
        assert_eq!((kept.plan.name.as_str(), kept.revision), ("first", 1));
        assert_eq!(
            (kept.state, kept.created_at),
            (PlanState::Superseded, at(5))
        );
        let text = store.read_now(|tx| text(tx, 1)).unwrap();
        assert_eq!(text, serde_json::to_string(&found.plan).unwrap());
    }

    #[test]
    fn a_list_shows_what_has_expired_by_now() {
        let store = Store::in_memory().unwrap();
        store.write_now(|tx| insert(tx, &second())).unwrap();
        let count = |state: Option<PlanState>, review: Option<Review>, second: i64| {
            let filter = PlanFilter {
                environment: Some("field".into()),
                state,
                review,
            };
            let page = Page {
                after: None,
                limit: 10,
            };
            let found = store.read_now(move |tx| list(tx, &filter, at(second), page));
            let found: Vec<PlanState> = found.unwrap().rows.iter().map(|p| p.state).collect();
            found
        };
        assert_eq!(count(Some(PlanState::Expired), None, 99), []);
        assert_eq!(count(None, None, 99), [PlanState::PendingApproval]);
        assert_eq!(count(None, None, 100), [PlanState::Expired]);
        assert_eq!(count(Some(PlanState::PendingApproval), None, 100), []);
        let owed = count(Some(PlanState::Expired), Some(Review::Owed), 100);
        assert_eq!(owed, [PlanState::Expired]);
        assert_eq!(count(None, Some(Review::Done), 100), []);
    }
}
