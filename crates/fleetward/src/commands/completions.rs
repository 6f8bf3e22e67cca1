//! `fleetward completions`: completion scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, Context};
use crate::error::{CliError, Ending};

/// Print a completion script for a shell
///
/// For instance, for bash: `fleetward completions bash > ~/.local/share/bash-completion/completions/fleetward`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(command: &Completions, context: &Context) -> Result<Ending, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "fleetward", &mut script);
    context.output.text(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Done)
}
