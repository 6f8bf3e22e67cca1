//! `fleetward firmware show`.

use clap::Args;
use fleetward_server::api::types::FirmwareView;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;

/// Show a version and its image
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The version, or its id
    #[arg(value_name = "VERSION", value_parser = ids::any)]
    firmware: String,
}

pub(super) async fn run(command: Show, context: &Context) -> Result<Ending, CliError> {
    let firmware: FirmwareView = context
        .client()?
        .read(&["firmware", &command.firmware], &[])
        .await
        .map_err(|error| error.hint_if_missing(super::MISSING))?;
    context
        .output
        .show(&firmware, |page| super::write(page, &firmware))?;
    Ok(Ending::Done)
}
