//! `fleetward firmware list`.

use clap::Args;
use fleetward_server::api::types::FirmwareView;

use super::fits;
use crate::cli::Context;
use crate::commands::listing::{self, Limit};
use crate::error::{CliError, Ending};
use crate::page::{moment, size};

/// List the versions
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(command: List, context: &Context) -> Result<Ending, CliError> {
    let rows = context
        .client()?
        .list(&["firmware"], &[], command.limit.most())
        .await?;
    let teach =
        "There is no firmware yet. Bring some: `fleetward firmware upload FILE --version VERSION`";
    listing::show(&context.output, &rows, &HEADER, row, teach)?;
    Ok(Ending::Done)
}

const HEADER: [&str; 7] = [
    "VERSION", "NAME", "STATUS", "FORMAT", "SIZE", "FITS", "UPLOADED",
];

fn row(firmware: &FirmwareView) -> Vec<String> {
    vec![
        firmware.version.clone(),
        firmware.name.clone(),
        firmware.status.clone(),
        firmware.format.clone(),
        size(firmware.size),
        fits(firmware),
        moment(&firmware.created_at),
    ]
}
