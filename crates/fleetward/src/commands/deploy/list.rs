//! `fleetward deploy list`.

use clap::Args;
use fleetward_server::api::types::ExecutionView;

use crate::cli::Context;
use crate::commands::listing::{self, Limit};
use crate::error::{CliError, Ending};
use crate::ids;
use crate::page::moment;
use crate::waiting;

/// List executions, the newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those in this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,
    /// Only those with this status, such as queued, observing, halted or succeeded
    #[arg(long)]
    status: Option<String>,
    /// Only those of this plan
    #[arg(long, value_name = "ID", value_parser = ids::plan)]
    plan_id: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(command: List, context: &Context) -> Result<Ending, CliError> {
    let List {
        environment,
        status,
        plan_id,
        limit,
    } = command;
    let filtered = environment.is_some() || status.is_some() || plan_id.is_some();
    let query = [
        ("environment", environment),
        ("status", status),
        ("plan_id", plan_id),
    ];
    let rows = context
        .client()?
        .list(&["deployments"], &query, limit.most())
        .await?;
    let teach = if filtered {
        "No execution is like that. `fleetward deploy list` shows them all"
    } else {
        "Nothing was executed yet. Start an approved plan: `fleetward deploy execute --plan-id ID`; `fleetward plan list` \
         shows the plans"
    };
    listing::show(&context.output, &rows, &HEADER, row, teach)?;
    Ok(Ending::Done)
}

const HEADER: [&str; 8] = [
    "EXECUTION",
    "NAME",
    "ENVIRONMENT",
    "VERSION",
    "STATUS",
    "DEVICES",
    "PROGRESS",
    "STARTED",
];

fn row(execution: &ExecutionView) -> Vec<String> {
    vec![
        execution.execution_id.clone(),
        execution.name.clone(),
        execution.environment.clone(),
        execution.firmware_version.clone(),
        execution.status.clone(),
        execution.devices.to_string(),
        format!("{:.0} %", execution.progress),
        waiting::reason(execution).unwrap_or_else(|| moment(&execution.started_at)),
    ]
}
