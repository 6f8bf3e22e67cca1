//! `fleetward device move`: into another environment, or into other groups.

use clap::Args;
use fleetward_server::api::types::{DeviceChange, DeviceView};

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;

/// Move a device to another environment or into other groups
#[derive(Debug, Args)]
pub(crate) struct Move {
    /// Its id
    #[arg(value_name = "DEVICE", value_parser = ids::any)]
    device: String,
    /// The environment that it goes to
    #[arg(short, long, value_name = "ENV", required_unless_present = "groups")]
    environment: Option<String>,
    /// The groups that it is in from now on, and no others
    #[arg(long, value_delimiter = ',', value_name = "GROUP,…")]
    groups: Option<Vec<String>>,
}

pub(super) async fn run(command: Move, context: &Context) -> Result<Ending, CliError> {
    let Move {
        device,
        environment,
        groups,
    } = command;
    let changed: DeviceView = context
        .client()?
        .change(
            &["devices", &device],
            &DeviceChange {
                environment,
                groups,
            },
        )
        .await
        .map_err(|error| error.hint_if_missing(super::MISSING))?;
    context
        .output
        .show(&changed, |page| super::write(page, &changed))?;
    Ok(Ending::Done)
}
