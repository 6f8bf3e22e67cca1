//! `fleetward plan list`.

use clap::Args;
use fleetward_server::api::types::PlanView;

use crate::cli::Context;
use crate::commands::listing::{self, Limit};
use crate::error::{CliError, Ending};
use crate::page::moment;

/// List plans, the newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those for this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,
    /// Only those with this status, such as pending_approval or approved
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(command: List, context: &Context) -> Result<Ending, CliError> {
    let List {
        environment,
        status,
        limit,
    } = command;
    let filtered = environment.is_some() || status.is_some();
    let query = [("environment", environment), ("status", status)];
    let rows = context
        .client()?
        .list(&["deployment-plans"], &query, limit.most())
        .await?;
    let teach = if filtered {
        "No plan is like that. `fleetward plan list` shows them all"
    } else {
        "There are no plans yet. Make one: `fleetward plan create --interactive`"
    };
    listing::show(&context.output, &rows, &HEADER, row, teach)?;
    Ok(Ending::Done)
}

const HEADER: [&str; 7] = [
    "PLAN",
    "NAME",
    "ENVIRONMENT",
    "VERSION",
    "STRATEGY",
    "STATUS",
    "CREATED",
];

fn row(plan: &PlanView) -> Vec<String> {
    vec![
        plan.plan_id.clone(),
        plan.name.clone(),
        plan.target_environment.clone(),
        plan.firmware_version.clone(),
        plan.strategy.clone(),
        plan.status.clone(),
        format!("{} by {}", moment(&plan.created_at), plan.created_by),
    ]
}
