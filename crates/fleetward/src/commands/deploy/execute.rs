//! `fleetward deploy execute`.

use clap::Args;
use fleetward_server::api::types::{ExecuteRequest, ExecutionView};

use super::view;
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::follow::{Goal, Wait, wait};
use crate::ids;

/// Start an approved plan
///
/// A plan with a schedule starts when its time has come, and one that others come before when they are over: until then
/// its execution is queued.
#[derive(Debug, Args)]
pub(crate) struct Execute {
    /// The plan, as `plan create` and `plan list` show it
    #[arg(long, value_name = "ID", value_parser = ids::plan)]
    plan_id: String,
    /// Why a version goes on that has not proved itself where it should have; takes an admin's key and is audited
    #[arg(long, value_name = "REASON")]
    override_promotion: Option<String>,
    /// Why it runs through freezes; takes an admin's key and is audited
    #[arg(long, value_name = "REASON")]
    override_freeze: Option<String>,
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
                override_promotion: command.override_promotion,
                override_freeze: command.override_freeze,
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
    if started.status != "queued" {
        output.note(&format!("execution {} started", started.execution_id));
    }
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
