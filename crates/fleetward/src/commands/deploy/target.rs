//! Which execution a command is about, named with or without its flag.

use clap::Args;

use crate::error::CliError;
use crate::ids;

/// What to do where the server does not know an execution.
const MISSING: &str = "`fleetward deploy list` shows the executions";

/// An execution.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// The execution, as `deploy execute` and `deploy list` show it
    #[arg(long, value_name = "ID", value_parser = ids::execution)]
    execution_id: Option<String>,
    /// The same without the flag
    #[arg(value_name = "EXECUTION", value_parser = ids::execution)]
    execution: Option<String>,
}

impl Target {
    /// Its id.
    pub(super) fn id(self) -> String {
        self.execution_id
            .or(self.execution)
            .expect("invariant: clap requires one of the two")
    }
}

/// Adds what to do where there is no such execution.
pub(super) fn missing(error: CliError) -> CliError {
    error.hint_if_missing(MISSING)
}
