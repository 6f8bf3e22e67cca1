//! `fleetward deploy pause|resume|cancel|rollback`: an operator's commands. Each is safe to repeat.

use clap::Args;
use fleetward_server::api::types::{CommandRequest, ExecutionView};

use super::target::{self, Target};
use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::follow::{Goal, Wait, wait};

/// What an operator can do with an execution.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Pause,
    Resume,
    Cancel,
    Rollback,
}

/// Whom it concerns, and why.
#[derive(Debug, Args)]
pub(crate) struct Act {
    #[command(flatten)]
    target: Target,
    /// Why; kept in the audit
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

impl Action {
    /// Its name in the API.
    const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Rollback => "rollback",
        }
    }

    /// What it is meant to come to.
    const fn goal(self) -> Goal {
        match self {
            Self::Pause => Goal::Paused,
            Self::Resume => Goal::Success,
            Self::Cancel => Goal::Cancelled,
            Self::Rollback => Goal::RolledBack,
        }
    }
}

pub(super) async fn run(
    action: Action,
    command: Act,
    context: &Context,
) -> Result<Ending, CliError> {
    let client = context.client()?;
    let output = &context.output;
    let id = command.target.id();
    let request = CommandRequest {
        reason: command.reason,
    };
    let execution: ExecutionView = client
        .send(&["deployments", &id, action.name()], &request, None)
        .await
        .map_err(target::missing)?;
    if !command.wait.wait {
        output.show(&execution, |page| {
            view::write(page, &execution);
            if let Some(next) = view::what_next(&execution) {
                page.line(format!("\n{next}"));
            }
        })?;
        return Ok(Ending::Done);
    }
    let (execution, ending) =
        wait(&client, output, &id, action.goal(), command.wait, false).await?;
    view::show_ending(output, &execution, ending)?;
    Ok(ending)
}
