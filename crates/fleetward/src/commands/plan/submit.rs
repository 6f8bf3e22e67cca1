//! `fleetward plan submit`.

use clap::Args;
use fleetward_server::api::types::{CommandRequest, PlanView};

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Put a draft to the approvers
///
/// Where the environment needs no approval, the plan is approved at once.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    target: Target,
    /// A word on why; kept in the audit
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn run(command: Submit, context: &Context) -> Result<Ending, CliError> {
    let request = CommandRequest {
        reason: command.reason,
    };
    let path = ["deployment-plans", &command.target.id(), "submit"];
    let plan: PlanView = context
        .client()?
        .send(&path, &request, None)
        .await
        .map_err(target::missing)?;
    context
        .output
        .show(&plan, |page| view::write(page, &plan))?;
    Ok(Ending::Done)
}
