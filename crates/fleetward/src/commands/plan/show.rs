//! `fleetward plan show`.

use clap::Args;
use fleetward_server::api::types::PlanView;

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Show a plan, with the waves that it would make of the devices known now
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(command: Show, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let id = command.target.id();
    let plan: PlanView = client
        .read(&["deployment-plans", &id], &[])
        .await
        .map_err(target::missing)?;
    context
        .output
        .show(&plan, |page| view::write(page, &plan))?;
    Ok(Ending::Done)
}
