//! `fleetward deploy status`.

use clap::Args;
use fleetward_server::api::types::{DecisionView, ExecutionView};
use serde::Serialize;

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::follow::{Goal, Wait, wait};

/// The decisions that are shown without being asked for.
const LAST: usize = 8;

/// Show an execution: its waves, why it is where it is, and its last decisions
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    target: Target,
    /// Show live what happens until it is over, also while it waits for an operator
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    wait: Wait,
    /// Show every decision, not only the last
    #[arg(long)]
    all_decisions: bool,
}

/// An execution with its decisions, for programs.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    execution: ExecutionView,
    decisions: Vec<DecisionView>,
}

pub(super) async fn run(command: Status, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let output = &context.output;
    let id = command.target.id();
    if command.watch || command.wait.wait {
        let through_halts = !command.wait.wait;
        let waited = wait(
            &client,
            output,
            &id,
            Goal::Success,
            command.wait,
            through_halts,
        )
        .await;
        let (execution, ending) = waited.map_err(target::missing)?;
        view::show_ending(output, &execution, ending)?;
        return Ok(ending);
    }
    let execution: ExecutionView = client
        .read(&["deployments", &id], &[])
        .await
        .map_err(target::missing)?;
    let decisions = client
        .list(&["deployments", &id, "decisions"], &[], usize::MAX)
        .await?
        .items;
    let told = Told {
        execution,
        decisions,
    };
    output.show(&told, |page| {
        view::write(page, &told.execution);
        let last = if command.all_decisions {
            told.decisions.len()
        } else {
            LAST
        };
        view::write_decisions(page, &told.decisions, last);
        if let Some(next) = view::what_next(&told.execution) {
            page.line(format!("\n{next}"));
        }
    })?;
    Ok(Ending::Done)
}
