//! Starting an execution: which devices, in which wave, decided once.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_core::engine::Rollout;
use fleetward_core::plan::PlanState;
use fleetward_core::selection::{Candidate, order, seed_of};
use fleetward_store::executions::{self, Execution};
use fleetward_store::{Tx, assignments, devices, plans};

use super::view;
use crate::api::types::{ExecuteRequest, ExecutionView};
use crate::app::ids::new_id;
use crate::app::{Aftermath, App, AppError, Call, Done, plans as app_plans};
use crate::auth::Right;
use crate::config::Promotion;
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
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| app.start(tx, call, &request.plan_id);
        self.command(call, Right::Execute, work).await
    }

    fn start(
        &self,
        tx: &Tx<'_>,
        call: &Call,
        plan_id: &str,
    ) -> Result<Done<ExecutionView>, AppError> {
        let stored = app_plans::find(tx, plan_id)?;
        may_run(&stored)?;
        let image = self.deployable(tx, &stored)?;
        let rule = self.configured(&stored.plan.target_environment)?.promotion;
        let unproved = self.promotion_warning(tx, &stored, &image)?;
        if let Some(detail) = unproved.filter(|_| rule == Promotion::Strict) {
            let detail = format!("{detail}: deploy it there first (promotion is strict)");
            return Err(AppError::conflict("not_promoted", detail));
        }
        let chosen = choose(tx, &stored, &image)?;
        if chosen.waves.is_empty() {
            let detail = format!(
                "no device would be updated; left out: {}",
                listed(&chosen.excluded)
            );
            return Err(AppError::conflict("no_devices", detail));
        }
        let sizes: Vec<u64> = chosen.waves.iter().map(|wave| wave.len() as u64).collect();
        let mut execution = Execution {
            execution_key: 0,
            execution_id: new_id("exec", call.now),
            plan_key: stored.plan_key,
            plan_id: stored.plan_id.clone(),
            environment: stored.plan.target_environment.clone(),
            firmware_key: image.firmware_key,
            rollout: Rollout::new(&stored.plan, &sizes),
            devices: sizes.iter().sum(),
            excluded: chosen.excluded,
            created_at: call.now,
            created_by: call.principal.name.clone(),
            finished_at: None,
        };
        let key = executions::insert(tx, &execution)?;
        execution.execution_key = key;
        assignments::choose(tx, key, &chosen.waves, call.now)?;
        plans::set_state(tx, stored.plan_key, PlanState::Executed)?;
        let detail =
            serde_json::json!({ "plan_id": plan_id, "digest": stored.digest, "waves": sizes });
        call.audit(tx, "execution.start", &execution.execution_id, &detail)?;
        let driven = start(tx, key, call.now)?;
        let execution = super::find(tx, &execution.execution_id)?;
        let aftermath = Aftermath {
            roster: driven.roster,
            wake: vec![key],
            ..Aftermath::default()
        };
        Ok(Done {
            value: view(tx, &execution)?,
            aftermath,
        })
    }
}

fn may_run(stored: &plans::StoredPlan) -> Result<(), AppError> {
    let detail = match stored.state {
        PlanState::Approved => return Ok(()),
        PlanState::PendingApproval | PlanState::Draft => {
            format!(
                "the plan needs an approval first: POST /api/deployment-plans/{}/approve",
                stored.plan_id
            )
        }
        PlanState::Executed => {
            "the plan was executed before: make a new one to run it again".to_owned()
        }
        PlanState::Rejected | PlanState::Expired | PlanState::Superseded => {
            format!(
                "the plan is {} and can't be executed: make a new one",
                stored.state
            )
        }
    };
    Err(AppError::conflict("not_approved", detail))
}

struct Chosen {
    waves: Vec<Vec<i64>>,
    excluded: BTreeMap<String, u64>,
}

/// The devices of each wave, and how many matching ones were left out for which reason.
fn choose(
    tx: &Tx<'_>,
    stored: &plans::StoredPlan,
    image: &fleetward_store::firmware::Firmware,
) -> Result<Chosen, AppError> {
    let plan = &stored.plan;
    // Whoever is kept for another execution is as busy as if it were written out.
    assignments::write_out(tx, None, u32::MAX)?;
    let busy = assignments::busy(tx, &plan.target_environment)?;
    let seed = seed_of(&plan_seed(stored));
    let mut excluded: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut strata: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    let mut next_stratum = 0;
    let mut keys = Vec::new();
    let mut candidates = Vec::new();
    let (environment, groups) = (&plan.target_environment, &plan.device_groups);
    devices::candidates(tx, environment, groups, &plan.firmware_version, |device| {
        let held = busy.binary_search(&device.device_key).ok().map(|_| "busy");
        if let Some(reason) = app_plans::left_out(&device, image).or(held) {
            *excluded.entry(reason).or_default() += 1;
            return;
        }
        let known = strata
            .get(device.model)
            .and_then(|of| of.get(device.revision));
        let stratum = known.copied().unwrap_or_else(|| {
            next_stratum += 1;
            let of_model = strata.entry(device.model.to_owned()).or_default();
            *of_model
                .entry(device.revision.to_owned())
                .or_insert(next_stratum)
        });
        keys.push(device.device_key);
        candidates.push(Candidate::new(seed, device.device_id, stratum));
    })?;
    let order = order(&candidates);
    let mut rest = order.as_slice();
    let mut waves = Vec::new();
    for size in plan.waves(keys.len() as u64) {
        let (wave, others) = rest.split_at(size as usize);
        rest = others;
        let mut wave: Vec<i64> = wave.iter().map(|&at| keys[at as usize]).collect();
        wave.sort_unstable();
        waves.push(wave);
    }
    if !rest.is_empty() {
        excluded.insert("beyond_rollout_percentage", rest.len() as u64);
    }
    let excluded = excluded
        .into_iter()
        .map(|(reason, n)| (reason.to_owned(), n))
        .collect();
    Ok(Chosen { waves, excluded })
}

/// Plans for the same version and environment choose the same devices first, so that a plan with a
/// larger `rollout_percentage` goes on where the smaller one ended.
fn plan_seed(stored: &plans::StoredPlan) -> String {
    format!(
        "{}/{}",
        stored.plan.target_environment, stored.plan.firmware_version
    )
}

fn listed(excluded: &BTreeMap<String, u64>) -> String {
    if excluded.is_empty() {
        return "none, the environment has no matching devices".to_owned();
    }
    let each = excluded
        .iter()
        .map(|(reason, devices)| format!("{devices} {reason}"));
    each.collect::<Vec<_>>().join(", ")
}
