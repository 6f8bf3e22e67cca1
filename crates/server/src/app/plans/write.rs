//! What authors do: make plans, change them, put them to the approvers.

use std::sync::Arc;

use fleetward_core::plan::{LifeRefusal, Opening, Plan, PlanLife, PlanState, Review};
use fleetward_store::approvals::Said;
use fleetward_store::plans::{self, StoredPlan};
use fleetward_store::{StoreError, Tx};

use super::approve::words;
use super::life::{check_bound, digest, opened, said, say_opened, say_waived};
use super::{find, matching, stale};
use crate::api::types::{PlanRequest, PlanView};
use crate::app::ids::new_id;
use crate::app::{App, AppError, Call};
use crate::auth::Right;

/// What a request means.
struct Written {
    plan: Plan,
    /// It is to be a draft, or it isn't; as it was when absent.
    draft: Option<bool>,
    /// Why it can't wait for approvals.
    emergency: Option<String>,
}

/// Which revision the author of a change saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// One of these, by digest.
    Digests(Vec<String>),
    /// Whichever there is.
    Any,
}

impl Written {
    const fn opening(&self, was_draft: bool) -> Opening {
        match (&self.emergency, self.draft) {
            (Some(_), _) => Opening::Emergency,
            (None, Some(true)) => Opening::Draft,
            (None, None) if was_draft => Opening::Draft,
            (None, Some(false) | None) => Opening::Submitted,
        }
    }
}

impl App {
    /// Makes a plan: a draft, or one that is put to the approvers. Where the environment needs no approval, it is
    /// approved by the environment's policy.
    ///
    /// # Errors
    /// The caller may not, or the plan can't be.
    pub async fn create_plan(
        self: &Arc<Self>,
        call: &Call,
        request: PlanRequest,
    ) -> Result<PlanView, AppError> {
        let (right, written) = self.written(call, &request)?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let opening = written.opening(false);
            let rules = app.rules(&written.plan.target_environment);
            let life = PlanLife::begin(&call.principal.id, opening, rules, call.now);
            let mut stored = StoredPlan {
                plan_id: new_id("plan", call.now),
                ..first_revision(call, written.plan)
            };
            let image = app.deployable(tx, &stored)?;
            app.check_promotion_known(&stored)?;
            let matching = matching(tx, &stored.plan, &image)?;
            let reason = written.emergency.as_ref();
            opened(&mut stored, &life, opening, (reason, matching, call.now));
            stored.digest = digest(&text(&stored.plan)?, &image, stored.revision);
            stored.plan_key = plans::insert(tx, &stored)?;
            say_opened(tx, &stored, &said(call, &stored, Said::Written, None))?;
            call.audit(tx, "plan.create", &stored.plan_id, &stored.plan)?;
            audit_emergency(tx, call, &stored, reason)?;
            Ok(app
                .plan_view(tx, &stored, (&image, matching), call.now)?
                .into())
        };
        self.command(call, right, work).await
    }

    /// Makes the next revision of a plan, which nobody has approved; the one before is kept. A draft stays a draft
    /// unless the request says otherwise.
    ///
    /// # Errors
    /// The caller may not, does not say which revision they saw or saw another one; there is no such plan, it is
    /// over, or the revision can't be.
    pub async fn edit_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        seen: Option<Seen>,
        request: PlanRequest,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Plan)?;
        let seen = seen.ok_or(AppError::Unconditional)?;
        let (right, written) = self.written(call, &request)?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let mut stored = find(tx, &plan_id)?;
            check_match(&stored, &seen)?;
            let standing = app.standing(tx, &stored, call.now)?;
            let before = standing.of(stored.revision).next();
            let before = before.map(|row| (row.at, row.by_name.clone()));
            let (at, by) = before.unwrap_or_else(|| (stored.created_at, stored.created_by.clone()));
            let opening = written.opening(stored.state == PlanState::Draft);
            let mut life = standing.life;
            life.rules = app.rules(&written.plan.target_environment);
            life.edit(&call.principal.id, opening, call.now)
                .map_err(|refusal| refused("not_editable", &refusal))?;
            stored.plan = written.plan;
            let image = app.deployable(tx, &stored)?;
            app.check_promotion_known(&stored)?;
            let matching = matching(tx, &stored.plan, &image)?;
            let reason = written.emergency.as_ref();
            opened(&mut stored, &life, opening, (reason, matching, call.now));
            let replaced = stored.digest;
            stored.digest = digest(&text(&stored.plan)?, &image, stored.revision);
            if !plans::revise(tx, &stored, (at, &by))? {
                return Err(stale());
            }
            say_opened(tx, &stored, &said(call, &stored, Said::Written, None))?;
            let detail = serde_json::json!({
                "revision": stored.revision, "replaced": replaced, "plan": stored.plan,
            });
            call.audit(tx, "plan.edit", &plan_id, &detail)?;
            audit_emergency(tx, call, &stored, reason)?;
            Ok(app
                .plan_view(tx, &stored, (&image, matching), call.now)?
                .into())
        };
        self.command(call, right, work).await
    }

    /// Puts a draft to the approvers. Safe to repeat.
    ///
    /// # Errors
    /// The caller may not, there is no such plan, or it can't be approved any more.
    pub async fn submit_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        reason: Option<String>,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Plan)?;
        self.expire_if_due(&plan_id, call.now).await?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let mut stored = find(tx, &plan_id)?;
            let mut life = app.standing(tx, &stored, call.now)?.life;
            life.submit(call.now)
                .map_err(|refusal| refused("not_draft", &refusal))?;
            let image = app.deployable(tx, &stored)?;
            let matching = matching(tx, &stored.plan, &image)?;
            if stored.state == PlanState::Draft {
                check_bound(tx, &stored, &image)?;
                opened(
                    &mut stored,
                    &life,
                    Opening::Submitted,
                    (None, matching, call.now),
                );
                if !plans::settle(tx, &stored)? {
                    return Err(stale());
                }
                say_waived(tx, &stored)?;
                let detail = serde_json::json!({
                    "revision": stored.revision, "digest": stored.digest, "reason": reason,
                });
                call.audit(tx, "plan.submit", &plan_id, &detail)?;
            }
            Ok(app
                .plan_view(tx, &stored, (&image, matching), call.now)?
                .into())
        };
        self.command(call, Right::Plan, work).await
    }

    /// A plan as it would be made, for looking at it alone: whoever declares an emergency needs no right for that.
    ///
    /// # Errors
    /// Every value that can't be, at once.
    pub(in crate::app) fn unstored(
        &self,
        call: &Call,
        request: &PlanRequest,
    ) -> Result<StoredPlan, AppError> {
        let mut plan = self.complete(request)?;
        plan.emergency = request.emergency == Some(true);
        Ok(first_revision(call, plan))
    }

    /// What a request means, and the right that it takes.
    fn written(&self, call: &Call, request: &PlanRequest) -> Result<(Right, Written), AppError> {
        call.needs(Right::Plan)?;
        let emergency = request.emergency == Some(true);
        let right = if emergency {
            Right::Emergency
        } else {
            Right::Plan
        };
        call.needs(right)?;
        let mut plan = self.complete(request)?;
        plan.emergency = emergency;
        let reason = request.emergency_reason.clone();
        match (&reason, emergency) {
            (reason, true) => words("emergency_reason", reason.as_deref().unwrap_or_default())?,
            (Some(_), false) => {
                let message =
                    "only goes with `emergency: true`: leave it out, or declare the emergency";
                return Err(AppError::invalid("emergency_reason", message));
            }
            (None, false) => {}
        }
        if emergency && request.draft == Some(true) {
            let message =
                "an emergency can't wait for its author: leave `draft` or `emergency` out";
            return Err(AppError::invalid("draft", message));
        }
        let written = Written {
            plan,
            draft: request.draft,
            emergency: reason.filter(|_| emergency),
        };
        Ok((right, written))
    }
}

/// A plan that is not stored.
fn first_revision(call: &Call, plan: Plan) -> StoredPlan {
    StoredPlan {
        plan_key: 0,
        plan_id: String::new(),
        state: PlanState::Draft,
        revision: 1,
        digest: String::new(),
        plan,
        created_at: call.now,
        created_by: call.principal.name.clone(),
        approved: None,
        comment: None,
        expires_at: None,
        devices: None,
        review: Review::None,
    }
}

fn check_match(stored: &StoredPlan, seen: &Seen) -> Result<(), AppError> {
    match seen {
        Seen::Any => Ok(()),
        Seen::Digests(digests) if digests.contains(&stored.digest) => Ok(()),
        Seen::Digests(_) => Err(AppError::Stale {
            revision: stored.revision,
        }),
    }
}

fn audit_emergency(
    tx: &Tx<'_>,
    call: &Call,
    stored: &StoredPlan,
    reason: Option<&String>,
) -> Result<(), StoreError> {
    let Some(reason) = reason else { return Ok(()) };
    let detail = serde_json::json!({
        "revision": stored.revision, "digest": stored.digest, "reason": reason,
    });
    call.audit(tx, "plan.emergency", &stored.plan_id, &detail)
}

fn refused(code: &'static str, refusal: &LifeRefusal) -> AppError {
    AppError::conflict(code, refusal.to_string())
}

/// A plan as it is going to be written.
fn text(plan: &Plan) -> Result<String, StoreError> {
    serde_json::to_string(plan).map_err(|error| StoreError::Damaged {
        what: error.to_string(),
    })
}
