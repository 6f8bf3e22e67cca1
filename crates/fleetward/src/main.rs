//! The `fleetward` program: server, command line and demo in one. What each command does is in `commands`.

mod cli;
mod client;
mod commands;
mod error;
mod event_stream;
mod follow;
mod ids;
mod output;
mod page;
mod program;
mod stop_signals;
mod tally;
mod waiting;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::parse().run()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::cli::Cli::command().debug_assert();
    }
}
