//! `fleetward plan`: what to deploy where and how.

mod approve;
mod create;
mod fields;
mod interactive;
mod list;
mod show;
mod target;
mod view;

use clap::Subcommand;

use crate::cli::Context;
use crate::error::{CliError, Ending};

/// The commands on plans.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    Create(Box<create::Create>),
    List(list::List),
    Show(show::Show),
    Approve(approve::Approve),
}

/// Runs a command on plans.
pub(crate) async fn run(command: PlanCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        PlanCommand::Create(command) => create::run(*command, context).await,
        PlanCommand::List(command) => list::run(command, context).await,
        PlanCommand::Show(command) => show::run(command, context).await,
        PlanCommand::Approve(command) => approve::run(command, context).await,
    }
}
