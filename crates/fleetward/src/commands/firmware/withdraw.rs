//! `fleetward firmware withdraw`.

use clap::Args;
use fleetward_server::api::types::{CommandRequest, FirmwareView};

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;

/// Withdraw a version: it can't be deployed any more, and its running executions halt
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The version, or its id
    #[arg(value_name = "VERSION", value_parser = ids::any)]
    firmware: String,
    /// Why; kept in the audit
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn run(command: Withdraw, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let missing = |error: CliError| error.hint_if_missing(super::MISSING);
    let found: FirmwareView = client
        .read(&["firmware", &command.firmware], &[])
        .await
        .map_err(missing)?;
    let request = CommandRequest {
        reason: command.reason,
    };
    let path = ["firmware", &found.firmware_id, "withdraw"];
    let firmware: FirmwareView = client.send(&path, &request, None).await.map_err(missing)?;
    context
        .output
        .show(&firmware, |page| super::write(page, &firmware))?;
    Ok(Ending::Done)
}
