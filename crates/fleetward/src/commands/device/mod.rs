//! `fleetward device`: the devices of a fleet.

mod add;
mod change;
mod list;
mod show;
mod why;

use clap::Subcommand;
use fleetward_server::api::types::DeviceView;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::page::{Page, moment, optional_moment};

/// What to do where the server does not know a device.
const MISSING: &str = "`fleetward device list --search TEXT` finds devices by a part of their id";

/// The commands on devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    List(list::List),
    Show(show::Show),
    Why(why::Why),
    Add(add::Add),
    Move(change::Move),
}

/// Runs a command on devices.
pub(crate) async fn run(command: DeviceCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        DeviceCommand::List(command) => list::run(command, context).await,
        DeviceCommand::Show(command) => show::run(command, context).await,
        DeviceCommand::Why(command) => why::run(command, context).await,
        DeviceCommand::Add(command) => add::run(command, context).await,
        DeviceCommand::Move(command) => change::run(command, context).await,
    }
}

/// The model with its revision, as firmware names them.
fn hardware(device: &DeviceView) -> String {
    match (device.model.as_str(), device.revision.as_str()) {
        ("", _) => "-".to_owned(),
        (model, "") => model.to_owned(),
        (model, revision) => format!("{model}:{revision}"),
    }
}

/// Writes what is known of a device.
fn write(page: &mut Page, device: &DeviceView) {
    page.fields(&[
        ("Device", device.device_id.clone()),
        ("Environment", device.environment.clone()),
        ("Hardware", hardware(device)),
        ("Version", device.version.clone()),
        ("Groups", device.groups.join(", ")),
        ("Speaks through", device.client.clone()),
        (
            "Token of its own",
            if device.has_token { "yes" } else { "" }.to_owned(),
        ),
        (
            "Quarantined",
            if device.quarantined {
                "yes: it did not go back and needs a person"
            } else {
                ""
            }
            .to_owned(),
        ),
        ("Known since", moment(&device.registered_at)),
        (
            "Last heard of",
            optional_moment(device.last_seen_at.as_ref()),
        ),
    ]);
}
