//! `fleetward device show`.

use clap::Args;
use fleetward_server::api::types::{AttemptView, DeviceDetail};

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;
use crate::page::{Page, moment, or_dash};

/// Show a device: what it is, what it was part of, and what it said
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id
    #[arg(value_name = "DEVICE", value_parser = ids::any)]
    device: String,
}

pub(super) async fn run(command: Show, context: &Context) -> Result<Ending, CliError> {
    let detail: DeviceDetail = context
        .client()?
        .read(&["devices", &command.device], &[])
        .await
        .map_err(|error| error.hint_if_missing(super::MISSING))?;
    context.output.show(&detail, |page| write(page, &detail))?;
    Ok(Ending::Done)
}

fn write(page: &mut Page, detail: &DeviceDetail) {
    super::write(page, &detail.device);
    if !detail.device.attributes.is_empty() {
        page.heading("What it says of itself");
        let rows = detail.device.attributes.iter();
        page.table(
            &["ATTRIBUTE", "VALUE"],
            rows.map(|(name, value)| vec![name.clone(), value.clone()]),
        );
    }
    if detail.executions.is_empty() {
        page.line("\nIt was part of no execution yet.");
    } else {
        page.heading("Executions");
        let rows = detail.executions.iter().map(|part| {
            vec![
                part.execution_id.clone(),
                part.wave.to_string(),
                part.status.clone(),
                or_dash(&part.previous_version),
                part.failure.clone().unwrap_or_default(),
                moment(&part.updated_at),
            ]
        });
        page.table(
            &[
                "EXECUTION",
                "WAVE",
                "STATUS",
                "VERSION BEFORE",
                "FAILURE",
                "CHANGED",
            ],
            rows,
        );
    }
    if !detail.attempts.is_empty() {
        page.heading("What was offered to it, and what it said");
        detail
            .attempts
            .iter()
            .for_each(|attempt| write_attempt(page, attempt));
    }
}

fn write_attempt(page: &mut Page, attempt: &AttemptView) {
    page.line(format!(
        "{}  action {} ({}, {}): version {}",
        moment(&attempt.opened_at),
        attempt.action_id,
        attempt.kind,
        attempt.state,
        attempt.version,
    ));
    for message in &attempt.messages {
        let details = message.details.join("; ");
        let words = if details.is_empty() {
            details
        } else {
            format!(": {details}")
        };
        page.line(format!(
            "  {}  {}{words}",
            moment(&message.at),
            message.report
        ));
    }
}
