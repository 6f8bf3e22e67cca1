//! Starting an execution: which devices, in which wave, decided once.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::calendar::Schedule;
use fleetward_core::engine::{HaltReason, Outcome, Phase, Rollout};
use fleetward_core::plan::{LifeRefusal, Plan, PlanLife, covered};
use fleetward_store::executions::{self, Execution};
use fleetward_store::{Tx, firmware, plans};

use crate::api::types::{ExecuteRequest, ExecutionView};
use crate::app::ids::new_id;
use crate::app::{Aftermath, App, AppError, Call, Done, plans as app_plans};
use crate::auth::Right;
use crate::driver::start;

impl App {
    /// Starts an approved plan.
    ///
    /// # Errors
    /// The caller may not, the plan may not run, or no device would be updated.
    pub async fn execute(
        self: &Arc<Self>,
        call: &Call,
        request: ExecuteRequest,
    ) -> Result<ExecutionView, AppError> {
        call.needs(Right::Execute)?;
        app_plans::check_override(call, request.override_promotion.as_ref())?;
        self.expire_if_due(&request.plan_id, call.now).await?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| app.start(tx, call, &request);
        self.command(call, Right::Execute, work).await
    }

    fn start(
        &self,
        tx: &Tx<'_>,
        call: &Call,
        request: &ExecuteRequest,
    ) -> Result<Done<ExecutionView>, AppError> {
        let stored = app_plans::find(tx, &request.plan_id)?;
        may_run(&stored, self.standing(tx, &stored, call.now)?.life, call)?;
        let image = self.deployable(tx, &stored)?;
        app_plans::check_bound(tx, &stored, &image)?;
        let reason = request.override_promotion.as_ref();
        self.check_promotion(tx, call, (&stored, &image), reason)?;
        self.check_stones(tx, &stored)?;
        let plan = &stored.plan;
        let starts_at = starts_at(plan, call.now)?;
        let mut rollout = Rollout::queued(plan, starts_at);
        rollout.may_match = stored.devices.map(covered);
        if let Some(reason) = &request.override_freeze {
            call.needs(Right::OverrideFreeze)?;
            let detail = serde_json::json!({ "reason": reason });
            call.audit(tx, "execution.freeze_override", &stored.plan_id, &detail)?;
            rollout.overrides_freeze = true;
        }
        let execution = Execution {
            execution_key: 0,
            execution_id: new_id("exec", call.now),
            plan_key: stored.plan_key,
            plan_id: stored.plan_id.clone(),
            environment: plan.target_environment.clone(),
            firmware_key: image.firmware_key,
            rollout,
            devices: 0,
            excluded: BTreeMap::new(),
            created_at: call.now,
            created_by: call.principal.name.clone(),
            finished_at: None,
        };
        let key = executions::insert(tx, &execution)?;
        plans::executed(tx, &stored, key)?;
        let detail = serde_json::json!({
            "plan_id": stored.plan_id,
            "revision": stored.revision,
            "digest": stored.digest,
            "starts_at": starts_at,
        });
        call.audit(tx, "execution.start", &execution.execution_id, &detail)?;
        let mut driven = start(tx, &self.config, key, call.now)?;
        let execution = super::find(tx, &execution.execution_id)?;
        refuse_what_can_not_start(&execution, &stored)?;
        driven.wake.push(key);
        let aftermath = Aftermath {
            roster: driven.roster,
            wake: driven.wake,
            ..Aftermath::default()
        };
        Ok(Done {
            value: self.execution_view(tx, &execution, call.now)?,
            aftermath,
        })
    }

    /// Every version on the way must be there, or devices would be stranded half-way.
    fn check_stones(&self, tx: &Tx<'_>, stored: &plans::StoredPlan) -> Result<(), AppError> {
        for version in &stored.plan.stepping_stones {
            let image = firmware::find(tx, version)?;
            if image.is_none_or(|image| image.withdrawn.is_some()) {
                let message = format!("there is no firmware `{version}` to go through: upload it");
                return Err(AppError::invalid("stepping_stones", message));
            }
        }
        Ok(())
    }
}

/// When a plan with a schedule starts; none when it does so at once.
///
/// # Errors
/// Its schedule has no moment to come.
pub(in crate::app) fn starts_at(
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<Timestamp>, AppError> {
    match &plan.schedule {
        None => Ok(None),
        Some(Schedule::At(at)) => Ok(Some(*at)),
        Some(schedule) => match schedule.next_after(now) {
            Some(at) => Ok(Some(at)),
            None => Err(AppError::conflict(
                "never_due",
                "the plan's schedule has no moment to come: edit the plan".to_owned(),
            )),
        },
    }
}

/// What is certain at once is an answer to whoever executes, and not an execution.
fn refuse_what_can_not_start(
    execution: &Execution,
    stored: &plans::StoredPlan,
) -> Result<(), AppError> {
    match &execution.rollout.phase {
        Phase::Finished {
            outcome: Outcome::NoDevices,
            ..
        } => {
            let detail = format!(
                "no device would be updated; left out: {}",
                in_words(&execution.excluded)
            );
            Err(AppError::conflict("no_devices", detail))
        }
        Phase::Halted {
            reason: HaltReason::TargetsGrew { matching, .. },
            ..
        } => app_plans::check_size(stored, *matching),
        Phase::Queued
        | Phase::Releasing { .. }
        | Phase::Staging { .. }
        | Phase::Verifying { .. }
        | Phase::Observing { .. }
        | Phase::Halted { .. }
        | Phase::RollingBack { .. }
        | Phase::Cancelling { .. }
        | Phase::Finished { .. } => Ok(()),
    }
}

fn may_run(stored: &plans::StoredPlan, mut life: PlanLife, call: &Call) -> Result<(), AppError> {
    let Err(refusal) = life.execute(call.now) else {
        return Ok(());
    };
    let path = format!("/api/deployment-plans/{}", stored.plan_id);
    let detail = match refusal {
        LifeRefusal::Unapproved(_) => format!("{refusal}: POST {path}/approve"),
        LifeRefusal::Draft => format!("{refusal}: POST {path}/submit"),
        LifeRefusal::Dead(_) => format!("{refusal}: PUT {path}"),
        LifeRefusal::Over(_) | LifeRefusal::OwnPlan | LifeRefusal::CountedBefore(_) => {
            refusal.to_string()
        }
    };
    Err(AppError::conflict("not_approved", detail))
}

fn in_words(excluded: &BTreeMap<String, u64>) -> String {
    if excluded.is_empty() {
        return "none, the environment has no matching devices".to_owned();
    }
    let each = excluded
        .iter()
        .map(|(reason, devices)| format!("{devices} {reason}"));
    each.collect::<Vec<_>>().join(", ")
}
