//! Plans: looking at them. Making them whole, writing, approving and promoting them are in the files beside.

mod approve;
mod complete;
mod life;
mod promotion;
mod revisions;
mod write;

pub(super) use life::{check_bound, check_size};
pub(super) use promotion::check_override;
pub use write::Seen;

use std::sync::Arc;

use crate::driver::left_out;
use fleetward_core::Timestamp;
use fleetward_core::plan::Plan;
use fleetward_store::page::{Page, Paged};
use fleetward_store::plans::{self, PlanFilter, StoredPlan};
use fleetward_store::{StoreError, Tx, devices, firmware};

use super::{App, AppError, Call, views};
use crate::api::types::PlanView;
use crate::auth::Right;

impl App {
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
        let (app, now) = (Arc::clone(self), call.now);
        self.store
            .read(move |tx| app.plan_as_stored(tx, &find(tx, &plan_id)?, now))
            .await
    }

    /// A page of plans, newest first.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn plans(
        self: &Arc<Self>,
        call: &Call,
        filter: PlanFilter,
        page: Page,
    ) -> Result<Paged<PlanView>, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &Tx<'_>| {
            let found = plans::list(tx, &filter, now, page)?;
            let rows = found.rows.iter();
            let rows = rows.map(|stored| app.shown(tx, stored, now, (Vec::new(), Vec::new())));
            Ok(Paged {
                rows: rows.collect::<Result<_, AppError>>()?,
                next: found.next,
            })
        };
        self.store.read(read).await
    }

    fn plan_as_stored(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        now: Timestamp,
    ) -> Result<PlanView, AppError> {
        match firmware::find(tx, &stored.plan.firmware_version)? {
            Some(image) => {
                let matching = matching(tx, &stored.plan, &image)?;
                self.plan_view(tx, stored, (&image, matching), now)
            }
            None => self.shown(tx, stored, now, (Vec::new(), Vec::new())),
        }
    }

    fn plan_view(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        (image, matching): (&firmware::Firmware, u64),
        now: Timestamp,
    ) -> Result<PlanView, AppError> {
        let waves = stored.plan.waves(matching);
        let mut warnings = self.said_of_sizes(tx, &stored.plan, &waves, now)?;
        warnings.extend(self.unproved(tx, stored, image)?);
        warnings.extend(self.said_of_stored(tx, stored, image, matching)?);
        self.shown(tx, stored, now, (waves, warnings))
    }

    /// What keeps a plan that may be executed yet from being so as it is.
    pub(super) fn said_of_stored(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        image: &firmware::Firmware,
        matching: u64,
    ) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        if stored.state.waits() {
            found.extend(life::unbound(tx, stored, image)?);
            found.extend(life::grown(stored, matching));
        }
        Ok(found)
    }

    /// A plan with what was said of it.
    fn shown(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        now: Timestamp,
        (waves, warnings): (Vec<u64>, Vec<String>),
    ) -> Result<PlanView, AppError> {
        let standing = self.standing(tx, stored, now)?;
        let life = &standing.life;
        Ok(PlanView {
            status: life.state.name().to_owned(),
            approvals: revisions::approval_views(standing.of(stored.revision)),
            approvals_required: life.rules.required,
            approvals_missing: life.missing(),
            ..views::plan(stored, waves, warnings)
        })
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

    pub(super) fn check_promotion_known(&self, stored: &StoredPlan) -> Result<(), AppError> {
        match &stored.plan.source_environment {
            Some(source) if !self.config.environments.contains_key(source) => {
                let message = format!("there is no environment `{source}` in the configuration");
                Err(AppError::invalid("source_environment", message))
            }
            Some(_) | None => Ok(()),
        }
    }
}

pub(super) fn find(tx: &Tx<'_>, plan_id: &str) -> Result<StoredPlan, AppError> {
    plans::find(tx, plan_id)?.ok_or_else(|| AppError::not_found("plan", plan_id))
}

/// How many devices a plan would update if all of them were to be.
fn matching(tx: &Tx<'_>, plan: &Plan, image: &firmware::Firmware) -> Result<u64, StoreError> {
    let mut matching = 0;
    let (environment, groups) = (&plan.target_environment, &plan.device_groups);
    devices::candidates(tx, environment, groups, &plan.firmware_version, |device| {
        matching += u64::from(left_out(&device, image, plan).is_none());
    })?;
    Ok(matching)
}

/// Somebody else was faster.
fn stale() -> AppError {
    let detail = "somebody changed the plan at the same time: look at it again";
    AppError::conflict("plan_changed", detail)
}
