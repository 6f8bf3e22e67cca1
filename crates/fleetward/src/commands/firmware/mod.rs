//! `fleetward firmware`: versions and their images.

mod list;
mod show;
mod upload;
mod withdraw;

use clap::Subcommand;
use fleetward_server::api::types::FirmwareView;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::page::{Page, moment, optional_moment, size};

/// What to do where the server does not know a version.
const MISSING: &str = "`fleetward firmware list` shows the versions";

/// The commands on firmware.
#[derive(Debug, Subcommand)]
pub(crate) enum FirmwareCommand {
    Upload(upload::Upload),
    List(list::List),
    Show(show::Show),
    Withdraw(withdraw::Withdraw),
}

/// Runs a command on firmware.
pub(crate) async fn run(command: FirmwareCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        FirmwareCommand::Upload(command) => upload::run(command, context).await,
        FirmwareCommand::List(command) => list::run(command, context).await,
        FirmwareCommand::Show(command) => show::run(command, context).await,
        FirmwareCommand::Withdraw(command) => withdraw::run(command, context).await,
    }
}

/// The hardware that a version fits.
fn fits(firmware: &FirmwareView) -> String {
    if firmware.compatibility.is_empty() {
        "all".to_owned()
    } else {
        firmware.compatibility.join(", ")
    }
}

/// Writes what is known of a version.
fn write(page: &mut Page, firmware: &FirmwareView) {
    let withdrawn = optional_moment(firmware.withdrawn_at.as_ref());
    page.fields(&[
        ("Version", firmware.version.clone()),
        ("Name", firmware.name.clone()),
        ("Status", firmware.status.clone()),
        ("Id", firmware.firmware_id.clone()),
        (
            "Image",
            format!(
                "{} ({}, {})",
                firmware.file_name,
                firmware.format,
                size(firmware.size)
            ),
        ),
        ("Fits", fits(firmware)),
        ("SHA-256", firmware.sha256.clone()),
        (
            "Signed",
            if firmware.signed {
                "yes, not verified"
            } else {
                ""
            }
            .to_owned(),
        ),
        (
            "Uploaded",
            format!(
                "{} by {}",
                moment(&firmware.created_at),
                firmware.created_by
            ),
        ),
        (
            "Withdrawn",
            firmware
                .withdrawn_by
                .as_ref()
                .map(|by| format!("{withdrawn} by {by}"))
                .unwrap_or_default(),
        ),
    ]);
    if !firmware.findings.is_empty() {
        page.heading("Noticed while reading the image");
        firmware
            .findings
            .iter()
            .for_each(|finding| page.line(format!("- {finding}")));
    }
}
