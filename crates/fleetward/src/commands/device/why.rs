//! `fleetward device why`.

use clap::Args;
use fleetward_server::api::types::WhyView;

use crate::cli::Context;
use crate::commands::why::write;
use crate::error::{CliError, Ending};
use crate::ids;

/// Say why a device is not updated, or how it came to where it is, and what would change it
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Its id
    #[arg(value_name = "DEVICE", value_parser = ids::any)]
    device: String,
    /// In this execution; in the one that has it, or the newest of its environment, when left out
    #[arg(long, value_name = "ID", value_parser = ids::execution)]
    execution_id: Option<String>,
}

pub(super) async fn run(command: Why, context: &Context) -> Result<Ending, CliError> {
    let Why {
        device,
        execution_id,
    } = command;
    let path = ["devices", &device, "why"];
    let query = [("execution_id", execution_id)];
    let found = context.client()?.read(&path, &query).await;
    let why: WhyView = found.map_err(|error| error.hint_if_missing(super::MISSING))?;
    context
        .output
        .show(&why, |page| write(page, ("Device", &device), &why))?;
    Ok(Ending::Done)
}
