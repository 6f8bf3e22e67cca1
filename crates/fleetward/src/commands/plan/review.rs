//! `fleetward plan review`.

use clap::Args;
use fleetward_server::api::types::{PlanView, ReviewRequest};

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Close the review that an emergency plan owes, by somebody who did not write it
#[derive(Debug, Args)]
pub(crate) struct Review {
    #[command(flatten)]
    target: Target,
    /// What came of it; kept with the plan
    #[arg(long)]
    comment: String,
}

pub(super) async fn run(command: Review, context: &Context) -> Result<Ending, CliError> {
    let request = ReviewRequest {
        comment: command.comment,
    };
    let path = ["deployment-plans", &command.target.id(), "review"];
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
