//! `fleetward freeze list`.

use clap::Args;
use fleetward_server::api::types::FreezeView;

use super::{end, id, place};
use crate::cli::Context;
use crate::commands::listing::{self, Limit};
use crate::error::{CliError, Ending};
use crate::page::moment;

/// List the freezes that are in force or still to come, those of the configuration included
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that hold in this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,
    /// Those that are over or were lifted too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    limit: Limit,
}

pub(super) async fn run(command: List, context: &Context) -> Result<Ending, CliError> {
    let List {
        environment,
        all,
        limit,
    } = command;
    let teach = if all {
        "There were no freezes yet"
    } else {
        "Nothing is frozen. Stop releasing: `fleetward freeze set --reason WHY`"
    };
    let query = [
        ("environment", environment),
        ("standing", (!all).then(|| "true".to_owned())),
    ];
    let rows = context
        .client()?
        .list(&["freezes"], &query, limit.most())
        .await?;
    listing::show(&context.output, &rows, &HEADER, row, teach)?;
    Ok(Ending::Done)
}

const HEADER: [&str; 7] = [
    "FREEZE",
    "ENVIRONMENT",
    "STATUS",
    "FROM",
    "UNTIL",
    "REASON",
    "SET BY",
];

fn row(freeze: &FreezeView) -> Vec<String> {
    let by = freeze.created_by.clone();
    vec![
        id(freeze),
        place(freeze),
        freeze.status.clone(),
        moment(&freeze.from),
        end(freeze),
        freeze.reason.clone(),
        by.unwrap_or_else(|| freeze.source.clone()),
    ]
}
