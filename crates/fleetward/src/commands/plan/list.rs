//! `fleetward plan list`.

use clap::Args;
use fleetward_server::api::types::PlanView;

use super::life;
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
    /// Only those with this status: draft, pending_approval, approved, rejected, expired or executed
    #[arg(long)]
    status: Option<String>,
    /// Only those with this review: emergency plans owe one until it is done
    #[arg(long, value_parser = ["none", "owed", "done"])]
    review: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(command: List, context: &Context) -> Result<Ending, CliError> {
    let List {
        environment,
        status,
        review,
        limit,
    } = command;
    let filtered = environment.is_some() || status.is_some() || review.is_some();
    let query = [
        ("environment", environment),
        ("status", status),
        ("review", review),
    ];
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

const HEADER: [&str; 8] = [
    "PLAN",
    "NAME",
    "ENVIRONMENT",
    "VERSION",
    "STRATEGY",
    "STATUS",
    "APPROVALS",
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
        life::in_a_cell(plan),
        format!("{} by {}", moment(&plan.created_at), plan.created_by),
    ]
}
