//! Which plan a command is about, named with or without its flag.

use clap::Args;

use crate::error::CliError;
use crate::ids;

/// A plan.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The plan, as `plan create` and `plan list` show it
    #[arg(value_name = "PLAN", value_parser = ids::plan)]
    plan: Option<String>,
    /// The same with a flag
    #[arg(long, value_name = "ID", value_parser = ids::plan)]
    plan_id: Option<String>,
}

impl Target {
    /// Its id.
    pub(super) fn id(self) -> String {
        self.plan
            .or(self.plan_id)
            .expect("invariant: clap requires one of the two")
    }
}

/// Adds what to do where there is no such plan.
pub(super) fn missing(error: CliError) -> CliError {
    error.hint_if_missing("`fleetward plan list` shows the plans")
}
