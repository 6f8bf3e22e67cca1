//! `fleetward plan reject`.

use clap::Args;
use fleetward_server::api::types::{PlanView, RejectRequest};

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Reject a plan, also one that was approved and not executed
///
/// Its author can change it, which makes a revision that can be approved.
#[derive(Debug, Args)]
pub(crate) struct Reject {
    #[command(flatten)]
    target: Target,
    /// Why; its author reads it
    #[arg(long)]
    reason: String,
    /// The plan's digest as you saw it; a plan that is another by now is not rejected
    #[arg(long, value_name = "HEX")]
    digest: Option<String>,
}

pub(super) async fn run(command: Reject, context: &Context) -> Result<Ending, CliError> {
    let Reject {
        target: plan,
        reason,
        digest,
    } = command;
    let path = ["deployment-plans", &plan.id(), "reject"];
    let request = RejectRequest { reason, digest };
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
