//! `fleetward freeze`: times in which nothing is released.

mod lift;
mod list;
mod set;

use clap::Subcommand;
use fleetward_server::api::types::FreezeView;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::page::{moment, or_dash};

/// The commands on freezes.
#[derive(Debug, Subcommand)]
pub(crate) enum FreezeCommand {
    Set(set::Set),
    List(list::List),
    Lift(lift::Lift),
}

/// Runs a command on freezes.
pub(crate) async fn run(command: FreezeCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        FreezeCommand::Set(command) => set::run(command, context).await,
        FreezeCommand::List(command) => list::run(command, context).await,
        FreezeCommand::Lift(command) => lift::run(command, context).await,
    }
}

/// The id to lift a freeze by; a dash where there is none.
fn id(freeze: &FreezeView) -> String {
    or_dash(freeze.freeze_id.as_deref().unwrap_or_default())
}

/// Where nothing is released.
fn place(freeze: &FreezeView) -> String {
    let own = freeze.environment.clone();
    own.unwrap_or_else(|| "(all)".to_owned())
}

/// When it ends, or ended.
fn end(freeze: &FreezeView) -> String {
    let end = freeze.lifted_at.as_deref().or(freeze.until.as_deref());
    end.map_or_else(|| "it is lifted".to_owned(), moment)
}
