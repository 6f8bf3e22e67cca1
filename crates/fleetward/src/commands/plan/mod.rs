//! `fleetward plan`: what to deploy where and how.

mod approve;
mod changes;
mod create;
mod criteria;
mod diff;
mod edit;
mod fields;
mod file;
mod interactive;
mod life;
mod list;
mod pace;
mod preview;
mod reject;
mod review;
mod revisions;
mod show;
mod simulate;
mod span;
mod submit;
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
    Preview(preview::Preview),
    Simulate(simulate::Simulate),
    Submit(submit::Submit),
    Edit(Box<edit::Edit>),
    Approve(approve::Approve),
    Reject(reject::Reject),
    Revisions(revisions::Revisions),
    Diff(diff::Diff),
    Review(review::Review),
}

/// Runs a command on plans.
pub(crate) async fn run(command: PlanCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        PlanCommand::Create(command) => create::run(*command, context).await,
        PlanCommand::List(command) => list::run(command, context).await,
        PlanCommand::Show(command) => show::run(command, context).await,
        PlanCommand::Preview(command) => preview::run(command, context).await,
        PlanCommand::Simulate(command) => simulate::run(command, context).await,
        PlanCommand::Submit(command) => submit::run(command, context).await,
        PlanCommand::Edit(command) => edit::run(*command, context).await,
        PlanCommand::Approve(command) => approve::run(command, context).await,
        PlanCommand::Reject(command) => reject::run(command, context).await,
        PlanCommand::Revisions(command) => revisions::run(command, context).await,
        PlanCommand::Diff(command) => diff::run(command, context).await,
        PlanCommand::Review(command) => review::run(command, context).await,
    }
}
