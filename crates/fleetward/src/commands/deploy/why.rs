//! `fleetward deploy why`.

use clap::Args;
use fleetward_server::api::types::WhyView;

use super::target::{self, Target};
use crate::cli::Context;
use crate::commands::why::write;
use crate::error::{CliError, Ending};

/// Say why an execution does not go further now, or why it stopped, and what would change it
#[derive(Debug, Args)]
pub(crate) struct Why {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(command: Why, context: &Context) -> Result<Ending, CliError> {
    let id = command.target.id();
    let path = ["deployments", &id, "why"];
    let found = context.client()?.read(&path, &[]).await;
    let why: WhyView = found.map_err(target::missing)?;
    context
        .output
        .show(&why, |page| write(page, ("Execution", &id), &why))?;
    Ok(Ending::Done)
}
