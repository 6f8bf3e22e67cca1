//! `fleetward deploy`: executions of plans.

mod act;
mod execute;
mod list;
mod status;
mod target;
mod view;
mod why;

use clap::Subcommand;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use act::Action;

/// The commands on executions.
#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    Execute(execute::Execute),
    List(list::List),
    Status(status::Status),
    Why(why::Why),
    /// Release no further device until it is resumed
    Pause(act::Act),
    /// Go on after a pause or a halt
    ///
    /// Resuming a halt accepts what it halted for: the failures so far are not counted against the rest.
    Resume(act::Act),
    /// Call it off: devices under way finish or stop, and nobody goes back
    Cancel(act::Act),
    /// Bring devices that took the update back to the version that each had
    Rollback(act::Act),
}

/// Runs a command on executions.
pub(crate) async fn run(command: DeployCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        DeployCommand::Execute(command) => execute::run(command, context).await,
        DeployCommand::List(command) => list::run(command, context).await,
        DeployCommand::Status(command) => status::run(command, context).await,
        DeployCommand::Why(command) => why::run(command, context).await,
        DeployCommand::Pause(command) => act::run(Action::Pause, command, context).await,
        DeployCommand::Resume(command) => act::run(Action::Resume, command, context).await,
        DeployCommand::Cancel(command) => act::run(Action::Cancel, command, context).await,
        DeployCommand::Rollback(command) => act::run(Action::Rollback, command, context).await,
    }
}
