//! Plans: making them whole, checking them, approving them.

mod complete;

use std::sync::Arc;

use fleetward_core::plan::PlanState;
use fleetward_store::page::{Page, Paged};
use fleetward_store::plans::{self, StoredPlan};
use fleetward_store::{Tx, devices, executions, firmware};
use sha2::{Digest as _, Sha256};

use super::ids::new_id;
use super::{App, AppError, Call, views};
use crate::api::types::{ApproveRequest, PlanRequest, PlanView};
use crate::auth::Right;
use crate::config::Promotion;

impl App {
    /// Makes a plan. Where the environment needs no approval, it is approved by the environment's policy.
    ///
    /// # Errors
    /// The caller may not, or the plan can't be.
    pub async fn create_plan(
        self: &Arc<Self>,
        call: &Call,
        request: PlanRequest,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Plan)?;
        let plan = self.complete(&request)?;
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let environment = app.configured(&plan.target_environment)?;
            let needs_approval = environment.approval_required;
            let mut stored = StoredPlan {
                plan_key: 0,
                plan_id: new_id("plan", call.now),
                state: if needs_approval {
                    PlanState::PendingApproval
                } else {
                    PlanState::Approved
                },
                digest: digest(&plan),
                plan,
                created_at: call.now,
                created_by: call.principal.name.clone(),
                approved: (!needs_approval).then(|| (call.now, "policy".to_owned())),
                comment: None,
            };
            let image = app.deployable(tx, &stored)?;
            app.check_promotion_known(&stored)?;
            stored.plan_key = plans::insert(tx, &stored)?;
            call.audit(tx, "plan.create", &stored.plan_id, &stored.plan)?;
            Ok(app.plan_view(tx, &stored, &image)?.into())
        };
        self.command(call, Right::Plan, work).await
    }

    /// Approves a plan as it was seen.
    ///
    /// # Errors
    /// The caller may not, there is no such plan, or it does not wait for an approval.
    pub async fn approve_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        request: ApproveRequest,
    ) -> Result<PlanView, AppError> {
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let mut stored = find(tx, &plan_id)?;
            if request
                .digest
                .as_ref()
                .is_some_and(|seen| *seen != stored.digest)
            {
                let detail = "the plan is not the one that was reviewed: look at it again";
                return Err(AppError::conflict("plan_changed", detail));
            }
            let image = app.deployable(tx, &stored)?;
            match stored.state {
                PlanState::Approved => return Ok(app.plan_view(tx, &stored, &image)?.into()),
                PlanState::PendingApproval | PlanState::Draft => {}
                PlanState::Rejected
                | PlanState::Expired
                | PlanState::Executed
                | PlanState::Superseded => {
                    let detail = format!(
                        "the plan is {} and can't be approved: make a new one",
                        stored.state
                    );
                    return Err(AppError::conflict("not_pending", detail));
                }
            }
            let by = &call.principal.name;
            plans::approve(
                tx,
                stored.plan_key,
                by,
                request.comment.as_deref(),
                call.now,
            )?;
            call.audit(
                tx,
                "plan.approve",
                &plan_id,
                &serde_json::json!({
                    "digest": stored.digest,
                    "comment": request.comment,
                }),
            )?;
            stored.state = PlanState::Approved;
            stored.approved = Some((call.now, by.clone()));
            stored.comment = request.comment;
            Ok(app.plan_view(tx, &stored, &image)?.into())
        };
        self.command(call, Right::Approve, work).await
    }

    /// One plan.
    ///
    /// # Errors
    /// The caller may not read, or there is no such plan.
    pub async fn plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
    ) -> Result<PlanView, AppError> {
        call.needs(Right::Read)?;
        let app = Arc::clone(self);
        self.store
            .read(move |tx| app.plan_as_stored(tx, &find(tx, &plan_id)?))
            .await
    }

    /// A page of plans, newest first.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn plans(
        self: &Arc<Self>,
        call: &Call,
        environment: Option<String>,
        state: Option<PlanState>,
        page: Page,
    ) -> Result<Paged<PlanView>, AppError> {
        call.needs(Right::Read)?;
        let read = move |tx: &Tx<'_>| plans::list(tx, environment.as_deref(), state, page);
        let found = self.store.read(read).await?;
        let rows = found
            .rows
            .iter()
            .map(|stored| views::plan(stored, Vec::new(), Vec::new()));
        Ok(Paged {
            rows: rows.collect(),
            next: found.next,
        })
    }

    fn plan_as_stored(&self, tx: &Tx<'_>, stored: &StoredPlan) -> Result<PlanView, AppError> {
        match firmware::find(tx, &stored.plan.firmware_version)? {
            Some(image) => self.plan_view(tx, stored, &image),
            None => Ok(views::plan(stored, Vec::new(), Vec::new())),
        }
    }

    fn plan_view(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        image: &firmware::Firmware,
    ) -> Result<PlanView, AppError> {
        let plan = &stored.plan;
        let mut matching = 0;
        let (environment, groups) = (&plan.target_environment, &plan.device_groups);
        devices::candidates(tx, environment, groups, &plan.firmware_version, |device| {
            matching += u64::from(left_out(&device, image).is_none());
        })?;
        let waves = plan.waves(matching);
        let mut warnings = wave_warnings(plan, &waves);
        if matching == 0 {
            warnings.push("no device of the environment would be updated now".to_owned());
        }
        if let Some(warning) = self.promotion_warning(tx, stored, image)? {
            warnings.push(warning);
        }
        Ok(views::plan(stored, waves, warnings))
    }

    /// The image of a plan, unless it can't be deployed.
    pub(super) fn deployable(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
    ) -> Result<firmware::Firmware, AppError> {
        let version = &stored.plan.firmware_version;
        let Some(image) = firmware::find(tx, version)? else {
            let message = format!("there is no firmware `{version}`: upload it first");
            return Err(AppError::invalid("firmware_version", message));
        };
        if image.withdrawn.is_some() {
            let message = format!("firmware `{version}` was withdrawn and can't be deployed");
            return Err(AppError::invalid("firmware_version", message));
        }
        Ok(image)
    }

    fn check_promotion_known(&self, stored: &StoredPlan) -> Result<(), AppError> {
        match &stored.plan.source_environment {
            Some(source) if !self.config.environments.contains_key(source) => {
                let message = format!("there is no environment `{source}` in the configuration");
                Err(AppError::invalid("source_environment", message))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What is said of a plan whose version has not proved itself where it should have.
    pub(super) fn promotion_warning(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        image: &firmware::Firmware,
    ) -> Result<Option<String>, AppError> {
        let Some(source) = &stored.plan.source_environment else {
            return Ok(None);
        };
        let rule = self.configured(&stored.plan.target_environment)?.promotion;
        if rule == Promotion::Off || executions::completed(tx, source, image.firmware_key)? {
            return Ok(None);
        }
        Ok(Some(format!(
            "version {} has not completed in `{source}`",
            image.version
        )))
    }
}

/// Why a device of the target environment is not updated, if it isn't.
pub(super) fn left_out(
    device: &devices::Candidate<'_>,
    image: &firmware::Firmware,
) -> Option<&'static str> {
    let (model, revision) = (device.model, device.revision);
    if device.up_to_date {
        Some("already_on_version")
    } else if !fleetward_core::firmware::fits(&image.hardware, model, revision) {
        Some("incompatible_hardware")
    } else if device.quarantined {
        Some("quarantined")
    } else {
        None
    }
}

pub(super) fn find(tx: &Tx<'_>, plan_id: &str) -> Result<StoredPlan, AppError> {
    plans::find(tx, plan_id)?.ok_or_else(|| AppError::not_found("plan", plan_id))
}

fn digest(plan: &fleetward_core::plan::Plan) -> String {
    let text = serde_json::to_vec(plan).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

/// Waves in which one failure is over the limit say little.
fn wave_warnings(plan: &fleetward_core::plan::Plan, waves: &[u64]) -> Vec<String> {
    let Some(max) = plan.rollback_criteria.max_failure_rate else {
        return vec!["no max_failure_rate: nothing stops this rollout by itself".to_owned()];
    };
    let small = waves.iter().position(|&size| max.at_most(size) == 0);
    let warning = small
        .filter(|_| max > fleetward_core::percent::Percent::default())
        .map(|index| {
            let size = waves[index];
            format!(
                "wave {} is so small ({size}) that a single failure is more than {max} of it",
                index + 1
            )
        });
    warning.into_iter().collect()
}
