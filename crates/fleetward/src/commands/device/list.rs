//! `fleetward device list`.

use clap::Args;
use fleetward_server::api::types::DeviceView;

use super::hardware;
use crate::cli::Context;
use crate::commands::listing::{self, Limit};
use crate::error::{CliError, Ending};
use crate::page::{optional_moment, or_dash};

/// List devices
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,
    /// Only those that run this version
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Only those of this hardware model
    #[arg(long)]
    model: Option<String>,
    /// Only those with this text in their id
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those that did not go back and need a person
    #[arg(long)]
    quarantined: bool,
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(command: List, context: &Context) -> Result<Ending, CliError> {
    let List {
        environment,
        version,
        model,
        search,
        quarantined,
        limit,
    } = command;
    let filtered = quarantined
        || environment.is_some()
        || version.is_some()
        || model.is_some()
        || search.is_some();
    let query = [
        ("environment", environment),
        ("version", version),
        ("model", model),
        ("search", search),
        ("quarantined", quarantined.then(|| "true".to_owned())),
    ];
    let rows = context
        .client()?
        .list(&["devices"], &query, limit.most())
        .await?;
    let teach = if filtered {
        "No device is like that. `fleetward device list` shows them all"
    } else {
        "There are no devices yet. They join when they first speak to the server, as their environment allows, or are \
         made known: `fleetward device add DEVICE --environment ENV`"
    };
    listing::show(&context.output, &rows, &HEADER, row, teach)?;
    Ok(Ending::Done)
}

const HEADER: [&str; 6] = [
    "DEVICE",
    "ENVIRONMENT",
    "HARDWARE",
    "VERSION",
    "LAST HEARD OF",
    "NOTE",
];

fn row(device: &DeviceView) -> Vec<String> {
    vec![
        device.device_id.clone(),
        device.environment.clone(),
        hardware(device),
        or_dash(&device.version),
        or_dash(&optional_moment(device.last_seen_at.as_ref())),
        if device.quarantined {
            "quarantined"
        } else {
            ""
        }
        .to_owned(),
    ]
}
