//! Environments: the configuration, with what its devices run.

use std::sync::Arc;

use fleetward_store::{StoreError, Tx, devices, executions};

use super::{App, AppError, Call};
use crate::api::types::{EnvironmentView, VersionCount};
use crate::auth::Right;
use crate::config::{Enrollment, Environment, Stage};

impl App {
    /// All environments in the order of the path.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn environments(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Vec<EnvironmentView>, AppError> {
        call.needs(Right::Read)?;
        let app = Arc::clone(self);
        self.store
            .read(move |tx| {
                let path = app.config.path();
                path.into_iter()
                    .map(|(id, environment)| view(tx, id, environment))
                    .collect()
            })
            .await
            .map_err(|error: StoreError| error.into())
    }

    /// One environment.
    ///
    /// # Errors
    /// It is not configured, the caller may not read, or the database fails.
    pub async fn environment(
        self: &Arc<Self>,
        call: &Call,
        id: String,
    ) -> Result<EnvironmentView, AppError> {
        call.needs(Right::Read)?;
        let app = Arc::clone(self);
        self.store
            .read(move |tx| Ok(view(tx, &id, app.configured(&id)?)?))
            .await
    }

    pub(super) fn configured(&self, id: &str) -> Result<&Environment, AppError> {
        let environments = &self.config.environments;
        environments
            .get(id)
            .ok_or_else(|| AppError::not_found("environment", id))
    }
}

fn view(tx: &Tx<'_>, id: &str, environment: &Environment) -> Result<EnvironmentView, StoreError> {
    let versions = devices::versions(tx, id)?;
    Ok(EnvironmentView {
        id: id.to_owned(),
        name: environment.title(id).to_owned(),
        stage: stage_name(environment.stage).to_owned(),
        description: environment.description.clone(),
        approval_required: environment.approval_required,
        auto_rollback: environment.auto_rollback,
        enrollment: enrollment_name(environment.enrollment).to_owned(),
        rollback_timeout: environment.rollback_timeout.0,
        open_deployments: executions::open_in(tx, id)?,
        devices: versions.iter().map(|(_, devices)| devices).sum(),
        versions: versions
            .into_iter()
            .map(|(version, devices)| VersionCount { version, devices })
            .collect(),
    })
}

pub(super) const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Development => "development",
        Stage::Testing => "testing",
        Stage::Staging => "staging",
        Stage::Production => "production",
    }
}

const fn enrollment_name(enrollment: Enrollment) -> &'static str {
    match enrollment {
        Enrollment::Open => "open",
        Enrollment::Token => "token",
        Enrollment::Closed => "closed",
    }
}
