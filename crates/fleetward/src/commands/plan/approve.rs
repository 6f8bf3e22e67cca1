//! `fleetward plan approve`.

use clap::Args;
use fleetward_server::api::types::{ApproveRequest, PlanView};

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Approve a plan, so that it can be executed
///
/// It may take more than one person; in production, whoever wrote the plan does not count.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    target: Target,
    /// A word on why; kept with the approval
    #[arg(long)]
    comment: Option<String>,
    /// The plan's digest as you saw it; a plan that is another by now is not approved
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
}

pub(super) async fn run(command: Approve, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let Approve {
        target: plan,
        comment,
        digest,
    } = command;
    let path = ["deployment-plans", &plan.id(), "approve"];
    let request = ApproveRequest { comment, digest };
    let plan: PlanView = client
        .send(&path, &request, None)
        .await
        .map_err(target::missing)?;
    context
        .output
        .show(&plan, |page| view::write(page, &plan))?;
    Ok(Ending::Done)
}
