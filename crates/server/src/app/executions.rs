//! Executions: starting them and telling them what to do.

mod start;

pub(super) use start::starts_at;

use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_core::engine::{Command, Input};
use fleetward_store::executions::{self, Execution, ExecutionFilter};
use fleetward_store::page::{Page, Paged};
use fleetward_store::{Tx, assignments, plans, tallies};

use super::views::{self, About};
use super::{Aftermath, App, AppError, Call, Done};
use crate::api::types::{DecisionView, ExecutionDeviceView, ExecutionView};
use crate::auth::Right;
use crate::driver::drive;

impl App {
    /// Tells an execution what to do. Safe to repeat.
    ///
    /// # Errors
    /// The caller may not, there is no such execution, or it refuses where it stands.
    pub async fn command_execution(
        self: &Arc<Self>,
        call: &Call,
        execution_id: String,
        command: Command,
        reason: Option<String>,
    ) -> Result<ExecutionView, AppError> {
        let (right, action) = match command {
            Command::Pause => (Right::Stop, "execution.pause"),
            Command::Resume => (Right::Execute, "execution.resume"),
            Command::Cancel => (Right::Stop, "execution.cancel"),
            Command::Rollback => (Right::Stop, "execution.rollback"),
        };
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            let execution = find(tx, &execution_id)?;
            let input = Input::Operator {
                command,
                by: call.principal.name.clone(),
            };
            let detail = serde_json::json!({ "reason": reason });
            call.audit(tx, action, &execution_id, &detail)?;
            let key = execution.execution_key;
            let mut driven = drive(tx, &app.config, key, input, call.now)?;
            driven.wake.push(key);
            let aftermath = Aftermath {
                roster: driven.roster,
                wake: driven.wake,
                ..Aftermath::default()
            };
            Ok(Done {
                value: app.execution_view(tx, &find(tx, &execution_id)?, call.now)?,
                aftermath,
            })
        };
        self.command(call, right, work).await
    }

    /// One execution.
    ///
    /// # Errors
    /// The caller may not read, or there is no such execution.
    pub async fn execution(
        self: &Arc<Self>,
        call: &Call,
        execution_id: String,
    ) -> Result<ExecutionView, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        self.store
            .read(move |tx| app.execution_view(tx, &find(tx, &execution_id)?, now))
            .await
    }

    /// An execution's number, for following its events.
    ///
    /// # Errors
    /// The caller may not read, or there is no such execution.
    pub async fn execution_key(&self, call: &Call, execution_id: String) -> Result<i64, AppError> {
        call.needs(Right::Read)?;
        self.store
            .read(move |tx| Ok(find(tx, &execution_id)?.execution_key))
            .await
    }

    /// A page of executions, newest first.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn executions(
        self: &Arc<Self>,
        call: &Call,
        filter: ExecutionFilter,
        page: Page,
    ) -> Result<Paged<ExecutionView>, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        self.store
            .read(move |tx| {
                let found = executions::list(tx, &filter, page)?;
                let rows = found.rows.iter();
                let rows = rows.map(|execution| app.execution_view(tx, execution, now));
                Ok(Paged {
                    rows: rows.collect::<Result<_, AppError>>()?,
                    next: found.next,
                })
            })
            .await
    }

    /// Every decision of an execution, in order.
    ///
    /// # Errors
    /// The caller may not read, or there is no such execution.
    pub async fn decisions(
        &self,
        call: &Call,
        execution_id: String,
    ) -> Result<Vec<DecisionView>, AppError> {
        call.needs(Right::Read)?;
        self.store
            .read(move |tx| {
                let execution = find(tx, &execution_id)?;
                let stored = executions::decisions(tx, execution.execution_key)?;
                Ok(stored.iter().map(views::decision).collect())
            })
            .await
    }

    /// A page of an execution's devices.
    ///
    /// # Errors
    /// The caller may not read, or there is no such execution.
    pub async fn execution_devices(
        &self,
        call: &Call,
        execution_id: String,
        status: Option<DeviceStatus>,
        wave: Option<u32>,
        page: Page,
    ) -> Result<Paged<ExecutionDeviceView>, AppError> {
        call.needs(Right::Read)?;
        self.store
            .read(move |tx| {
                let key = find(tx, &execution_id)?.execution_key;
                let found = assignments::of_execution(tx, key, status, wave, page)?;
                let rows = found.rows.iter().map(views::execution_device).collect();
                Ok(Paged {
                    rows,
                    next: found.next,
                })
            })
            .await
    }
}

impl App {
    /// An execution with its counts, and why it does not go further.
    pub(super) fn execution_view(
        &self,
        tx: &Tx<'_>,
        execution: &Execution,
        now: Timestamp,
    ) -> Result<ExecutionView, AppError> {
        let waves = execution.rollout.waves.len();
        let census = tallies::census(tx, execution.execution_key, waves)?;
        let plan = plans::by_key(tx, execution.plan_key)?
            .ok_or_else(|| AppError::not_found("plan", &execution.plan_id))?
            .plan;
        let about = About {
            name: plan.name,
            strategy: plan.strategy.name().to_owned(),
            firmware_version: plan.firmware_version,
        };
        let why = if execution.rollout.phase.is_finished() {
            None
        } else {
            Some(self.why_of(tx, execution, &census, now)?.to_string())
        };
        Ok(ExecutionView {
            why,
            ..views::execution(execution, &about, &census)
        })
    }
}

pub(super) fn find(tx: &Tx<'_>, execution_id: &str) -> Result<Execution, AppError> {
    let found = executions::find(tx, execution_id)?;
    found.ok_or_else(|| AppError::not_found("execution", execution_id))
}
