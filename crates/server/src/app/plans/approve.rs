//! What approvers do: agree, refuse, and look afterwards at what nobody was asked about.

use std::sync::Arc;

use fleetward_core::plan::{Counted, LifeRefusal, Opening, PlanLife, PlanState, Review};
use fleetward_store::Tx;
use fleetward_store::approvals::{self, Approval, Said};
use fleetward_store::firmware::Firmware;
use fleetward_store::plans::{self, StoredPlan};

use super::life::{self, check_bound, digest, said, say_opened};
use super::{find, matching, stale};
use crate::api::types::{ApproveRequest, PlanView, RejectRequest, ReviewRequest};
use crate::app::{App, AppError, Call};
use crate::auth::Right;

impl App {
    /// Approves a plan as it was seen. One that was approved for many fewer devices than match now is put to the
    /// approvers anew, and this is the first approval of that revision.
    ///
    /// # Errors
    /// The caller may not or does not count, there is no such plan, or it does not wait for an approval.
    pub async fn approve_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        request: ApproveRequest,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Approve)?;
        self.expire_if_due(&plan_id, call.now).await?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let mut stored = find(tx, &plan_id)?;
            check_seen(&stored, request.digest.as_ref())?;
            let image = app.deployable(tx, &stored)?;
            let matching = matching(tx, &stored.plan, &image)?;
            let standing = app.standing(tx, &stored, call.now)?;
            let author = standing.of(stored.revision).next().cloned();
            let mut life = standing.seen_by(&stored, call).life;
            if life.state.waits() {
                check_bound(tx, &stored, &image)?;
            }
            let approved = life.state == PlanState::Approved;
            if approved && life::grown(&stored, matching).is_some() {
                renew(
                    tx,
                    call,
                    (&mut stored, &mut life),
                    author,
                    (&image, matching),
                )?;
            }
            match life
                .approve(&call.principal.id, call.now)
                .map_err(not_pending)?
            {
                Counted::Counts => {
                    agree(tx, call, (&mut stored, &life), matching, request.comment)?;
                }
                Counted::Needless => {}
            }
            Ok(app
                .plan_view(tx, &stored, (&image, matching), call.now)?
                .into())
        };
        self.command(call, Right::Approve, work).await
    }

    /// Refuses a plan, also one that was approved. Safe to repeat.
    ///
    /// # Errors
    /// The caller may not, there is no such plan, it is over, or no reason is given.
    pub async fn reject_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        request: RejectRequest,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Approve)?;
        words("reason", &request.reason)?;
        self.expire_if_due(&plan_id, call.now).await?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let mut stored = find(tx, &plan_id)?;
            check_seen(&stored, request.digest.as_ref())?;
            let mut life = app.standing(tx, &stored, call.now)?.life;
            life.reject(call.now).map_err(not_pending)?;
            if stored.state != PlanState::Rejected {
                let row = said(call, &stored, Said::Rejected, Some(request.reason.clone()));
                approvals::record(tx, stored.plan_key, &row)?;
                stored.state = life.state;
                stored.approved = None;
                stored.comment = Some(request.reason);
                settled(tx, &stored)?;
                let detail = serde_json::json!({
                    "revision": stored.revision, "digest": stored.digest, "reason": stored.comment,
                });
                call.audit(tx, "plan.reject", &plan_id, &detail)?;
            }
            Ok(app.plan_as_stored(tx, &stored, call.now)?.into())
        };
        self.command(call, Right::Approve, work).await
    }

    /// Closes the review that an emergency plan owes.
    ///
    /// # Errors
    /// The caller may not or wrote the plan, there is no such plan, it owes no review, or nothing is said.
    pub async fn review_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        request: ReviewRequest,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Approve)?;
        words("comment", &request.comment)?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let mut stored = find(tx, &plan_id)?;
            owes_review(&stored)?;
            let standing = app.standing(tx, &stored, call.now)?.seen_by(&stored, call);
            if standing.life.authors.contains(&call.principal.id) {
                let detail = "you wrote this plan: its review is somebody else's";
                return Err(AppError::conflict("own_plan", detail));
            }
            let row = said(call, &stored, Said::Reviewed, Some(request.comment.clone()));
            approvals::record(tx, stored.plan_key, &row)?;
            stored.review = Review::Done;
            settled(tx, &stored)?;
            let detail = serde_json::json!({
                "revision": stored.revision, "digest": stored.digest, "comment": request.comment,
            });
            call.audit(tx, "plan.review", &plan_id, &detail)?;
            Ok(app.plan_as_stored(tx, &stored, call.now)?.into())
        };
        self.command(call, Right::Approve, work).await
    }
}

/// Keeps an approval, and what it leads to.
fn agree(
    tx: &Tx<'_>,
    call: &Call,
    (stored, life): (&mut StoredPlan, &PlanLife),
    matching: u64,
    comment: Option<String>,
) -> Result<(), AppError> {
    let row = said(call, stored, Said::Approved, comment.clone());
    approvals::record(tx, stored.plan_key, &row)?;
    // All of them must have seen about as many devices.
    stored.devices = Some(stored.devices.map_or(matching, |seen| seen.min(matching)));
    let detail = serde_json::json!({
        "revision": stored.revision, "digest": stored.digest, "comment": comment,
        "devices": matching, "missing": life.missing(),
    });
    if life.state == PlanState::Approved {
        stored.approved = Some((call.now, call.principal.name.clone()));
        stored.comment = comment;
    }
    stored.state = life.state;
    settled(tx, stored)?;
    Ok(call.audit(tx, "plan.approve", &stored.plan_id, &detail)?)
}

/// Puts an approved plan to the approvers anew, as it is, because it has become a larger one.
fn renew(
    tx: &Tx<'_>,
    call: &Call,
    (stored, life): (&mut StoredPlan, &mut PlanLife),
    author: Option<Approval>,
    (image, matching): (&Firmware, u64),
) -> Result<(), AppError> {
    let author = author.unwrap_or_else(|| Approval {
        by_id: life.authors.first().cloned().unwrap_or_default(),
        by_name: stored.created_by.clone(),
        at: stored.created_at,
        ..said(call, stored, Said::Written, None)
    });
    let (opening, review) = (Opening::Submitted, stored.review);
    life.edit(&author.by_id, opening, call.now)
        .map_err(not_pending)?;
    life::opened(stored, life, opening, (None, matching, call.now));
    stored.review = review;
    stored.digest = digest(&plans::text(tx, stored.plan_key)?, image, stored.revision);
    let written = Approval {
        revision: stored.revision,
        digest: stored.digest.clone(),
        at: call.now,
        comment: None,
        ..author.clone()
    };
    if !plans::revise(tx, stored, (author.at, &author.by_name))? {
        return Err(stale());
    }
    say_opened(tx, stored, &written)?;
    let detail = serde_json::json!({
        "revision": stored.revision, "digest": stored.digest, "devices": matching,
    });
    Ok(call.audit(tx, "plan.renew", &stored.plan_id, &detail)?)
}

/// Refuses when the caller saw another revision than there is.
fn check_seen(stored: &StoredPlan, seen: Option<&String>) -> Result<(), AppError> {
    if seen.is_none_or(|seen| *seen == stored.digest) {
        return Ok(());
    }
    let detail = format!(
        "the plan is not the one that you saw: look at it again (it is at revision {} now)",
        stored.revision
    );
    Err(AppError::conflict("plan_changed", detail))
}

fn owes_review(stored: &StoredPlan) -> Result<(), AppError> {
    let detail = match stored.review {
        Review::Owed => return Ok(()),
        Review::Done => "the plan was reviewed: there is nothing left to do",
        Review::None => "the plan owes no review: only emergency plans do",
    };
    Err(AppError::conflict("no_review_owed", detail))
}

fn not_pending(refusal: LifeRefusal) -> AppError {
    let code = match refusal {
        LifeRefusal::OwnPlan => "own_plan",
        LifeRefusal::CountedBefore(_) => "approved_before",
        LifeRefusal::Over(_)
        | LifeRefusal::Draft
        | LifeRefusal::Dead(_)
        | LifeRefusal::Unapproved(_) => "not_pending",
    };
    AppError::conflict(code, refusal.to_string())
}

fn settled(tx: &Tx<'_>, stored: &StoredPlan) -> Result<(), AppError> {
    if plans::settle(tx, stored)? {
        Ok(())
    } else {
        Err(stale())
    }
}

/// Refuses what must be said and is not.
pub(super) fn words(field: &str, said: &str) -> Result<(), AppError> {
    if said.trim().is_empty() {
        Err(AppError::invalid(field, "say why"))
    } else {
        Ok(())
    }
}
