//! What people said of plans: who wrote each revision, who approved, rejected or reviewed it.

use std::str::FromStr;

use fleetward_core::Timestamp;

use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One thing that was said of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Of which revision.
    pub revision: u32,
    /// What.
    pub verdict: Said,
    /// The id of who said it; names may be shared, this is not.
    pub by_id: String,
    /// Their name.
    pub by_name: String,
    /// Why.
    pub comment: Option<String>,
    /// The digest of the revision that they saw.
    pub digest: String,
    /// When.
    pub at: Timestamp,
}

/// What can be said of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is theirs.
    Written,
    /// They agree.
    Approved,
    /// They don't.
    Rejected,
    /// They looked at it afterwards.
    Reviewed,
}

impl Said {
    /// Everything that can be said.
    pub const ALL: [Self; 4] = [
        Self::Written,
        Self::Approved,
        Self::Rejected,
        Self::Reviewed,
    ];

    /// Its name everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Reviewed => "reviewed",
        }
    }
}

impl FromStr for Said {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|said| said.name() == text)
            .ok_or_else(|| format!("`{text}` is not a verdict on a plan"))
    }
}

fn approval(row: &Row<'_>) -> Result<Approval, StoreError> {
    Ok(Approval {
        revision: row.small(0)?,
        verdict: row.word(1)?,
        by_id: row.text(2)?,
        by_name: row.text(3)?,
        comment: row.text_opt(4)?,
        digest: row.text(5)?,
        at: row.time(6)?,
    })
}

/// Keeps what somebody said.
///
/// # Errors
/// The database fails.
pub fn record(tx: &Tx<'_>, plan_key: i64, new: &Approval) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO approvals (plan_key, revision, number, verdict, by_id, by_name, comment, digest, at)
         SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, $6, $7, $8 FROM approvals
         WHERE plan_key = $1 AND revision = $2",
        params![
            plan_key,
            new.revision,
            new.verdict.name(),
            &new.by_id,
            &new.by_name,
            new.comment.as_ref(),
            &new.digest,
            new.at,
        ],
    )
    .map(drop)
}

/// Everything that was said of a plan, by revision and in its order.
///
/// # Errors
/// The database fails.
pub fn of_plan(tx: &Tx<'_>, plan_key: i64) -> Result<Vec<Approval>, StoreError> {
    tx.query(
        "SELECT revision, verdict, by_id, by_name, comment, digest, at FROM approvals
         WHERE plan_key = $1 ORDER BY revision, number",
        params![plan_key],
        approval,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn said(revision: u32, verdict: Said, by: &str) -> Approval {
        Approval {
            revision,
            verdict,
            by_id: format!("id of {by}"),
            by_name: by.into(),
            comment: (verdict == Said::Rejected).then(|| "no".into()),
            digest: format!("digest {revision}"),
            at: Timestamp::from_second(7).unwrap(),
        }
    }

    #[test]
    fn what_was_said_is_kept_in_its_order() {
        let store = Store::in_memory().unwrap();
        let rows = [
            said(1, Said::Written, "ann"),
            said(1, Said::Approved, "bob"),
            said(1, Said::Rejected, "cem"),
            said(2, Said::Written, "ann"),
            said(2, Said::Reviewed, "bob"),
        ];
        let all = rows.clone();
        store
            .write_now(move |tx| all.iter().rev().try_for_each(|row| record(tx, 3, row)))
            .unwrap();
        let found = store.read_now(|tx| of_plan(tx, 3)).unwrap();
        // By revision, and in each one as it was said.
        let order = [2, 1, 0, 4, 3].map(|at: usize| rows[at].clone());
        assert_eq!(found, order);
        assert_eq!(store.read_now(|tx| of_plan(tx, 4)).unwrap(), []);
    }
}
