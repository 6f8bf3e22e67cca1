//! `fleetward freeze lift`.

use clap::Args;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;

/// Lift a freeze, so that releasing goes on where no other one holds
#[derive(Debug, Args)]
pub(crate) struct Lift {
    /// The freeze, as `freeze set` and `freeze list` show it
    #[arg(long, value_name = "ID", value_parser = ids::any)]
    freeze_id: String,
}

pub(super) async fn run(command: Lift, context: &Context) -> Result<Ending, CliError> {
    let freeze = command.freeze_id;
    let missing = "`fleetward freeze list` shows the freezes; one without an id is in the configuration of the server \
                   and ends there";
    let lifted = context.client()?.remove(&["freezes", &freeze]).await;
    lifted.map_err(|error| error.hint_if_missing(missing))?;
    context.output.note(&format!("{freeze} is lifted"));
    Ok(Ending::Done)
}
