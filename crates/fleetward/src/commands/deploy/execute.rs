//! `fleetward deploy execute`.

use clap::Args;
use fleetward_server::api::types::{ExecuteRequest, ExecutionView};

use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::follow::{Goal, Wait, wait};
use crate::ids;

/// Start an approved plan
#[derive(Debug, Args)]
pub(crate) struct Execute {
    /// The plan, as `plan create` and `plan list` show it
    #[arg(long, value_name = "ID", value_parser = ids::plan)]
    plan_id: String,
    #[command(flatten)]
    wait: Wait,
    /// Any text that is the same when this is tried again, so that the plan starts once
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
}

pub(super) async fn run(command: Execute, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let output = &context.output;
    let once = command.idempotency_key.as_deref();
    let started: ExecutionView = client
        .send(
            &["deployments", "execute"],
            &ExecuteRequest {
                plan_id: command.plan_id,
            },
            once,
        )
        .await
        .map_err(|error| error.hint_if_missing("`fleetward plan list` shows the plans"))?;
    if !command.wait.wait {
        output.show(&started, |page| {
            view::write(page, &started);
            page.line(format!(
                "\nWatch it: fleetward deploy status --execution-id {} --watch",
                started.execution_id
            ));
        })?;
        return Ok(Ending::Done);
    }
    output.note(&format!("execution {} started", started.execution_id));
    let (execution, ending) = wait(
        &client,
        output,
        &started.execution_id,
        Goal::Success,
        command.wait,
        false,
    )
    .await?;
    view::show_ending(output, &execution, ending)?;
    Ok(ending)
}
