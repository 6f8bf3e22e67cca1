//! What a plan has been: its revisions, and what people said of each.

use std::sync::Arc;

use fleetward_core::plan::{PlanState, Review};
use fleetward_store::approvals::{Approval, Said};
use fleetward_store::plans::{self, StoredPlan};

use super::find;
use crate::api::types::{ApprovalView, PlanView, RevisionView};
use crate::app::{App, AppError, Call, views};
use crate::auth::Right;

impl App {
    /// Every revision of a plan, newest first.
    ///
    /// # Errors
    /// The caller may not read, or there is no such plan.
    pub async fn revisions(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
    ) -> Result<Vec<RevisionView>, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &fleetward_store::Tx<'_>| {
            let stored = find(tx, &plan_id)?;
            let standing = app.standing(tx, &stored, now)?;
            let written = standing.of(stored.revision).next();
            let newest = RevisionView {
                revision: stored.revision,
                status: standing.life.state.name().to_owned(),
                digest: stored.digest.clone(),
                created_at: views::time(written.map_or(stored.created_at, |row| row.at)),
                created_by: written
                    .map_or(&stored.created_by, |row| &row.by_name)
                    .clone(),
                approvals: approval_views(standing.of(stored.revision)),
            };
            let mut rows: Vec<RevisionView> = plans::revisions(tx, stored.plan_key)?
                .into_iter()
                .map(|earlier| RevisionView {
                    revision: earlier.revision,
                    status: earlier.state.name().to_owned(),
                    digest: earlier.digest,
                    created_at: views::time(earlier.created_at),
                    created_by: earlier.created_by,
                    approvals: approval_views(standing.of(earlier.revision)),
                })
                .collect();
            rows.push(newest);
            rows.reverse();
            Ok::<_, AppError>(rows)
        };
        self.store.read(read).await
    }

    /// One revision of a plan, whole.
    ///
    /// # Errors
    /// The caller may not read, or there is no such plan or revision.
    pub async fn revision(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        revision: String,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &fleetward_store::Tx<'_>| {
            let stored = find(tx, &plan_id)?;
            if revision == stored.revision.to_string() {
                return app.plan_as_stored(tx, &stored, now);
            }
            let earlier = plans::revisions(tx, stored.plan_key)?;
            let asked = |row: &plans::Revision| row.revision.to_string() == revision;
            let Some(row) = earlier.into_iter().find(asked) else {
                return Err(AppError::not_found("revision", &revision));
            };
            let standing = app.standing(tx, &stored, now)?;
            let agreed = |said: &&Approval| said.verdict == Said::Approved;
            let last = standing.of(row.revision).filter(agreed).last();
            let earlier = StoredPlan {
                state: PlanState::Superseded,
                revision: row.revision,
                plan: row.plan,
                digest: row.digest,
                approved: None,
                comment: last.and_then(|said| said.comment.clone()),
                expires_at: None,
                devices: None,
                review: Review::None,
                ..stored
            };
            Ok(PlanView {
                approvals: approval_views(standing.of(earlier.revision)),
                ..views::plan(&earlier, Vec::new(), Vec::new())
            })
        };
        self.store.read(read).await
    }
}

/// What was said, without who wrote what it was said of.
pub(super) fn approval_views<'a>(said: impl Iterator<Item = &'a Approval>) -> Vec<ApprovalView> {
    said.filter(|row| row.verdict != Said::Written)
        .map(|row| ApprovalView {
            by: row.by_name.clone(),
            at: views::time(row.at),
            verdict: row.verdict.name().to_owned(),
            comment: row.comment.clone(),
            digest: row.digest.clone(),
        })
        .collect()
}
