//! Measurements side by side: what Fleetward reaches, against the bare thing next to it in the same run.
//!
//! Every server that is measured is a child process of this program, started with a hidden subcommand, so that
//! its processor time and its memory can be told apart from those of whoever makes the load. What is measured,
//! and how to read the figures, is in the README beside this crate.

mod admin;
mod engine;
mod figures;
mod fleet;
mod inside;
mod load;
mod polls;
mod process;
mod reports;
mod serve;
mod server;
mod site;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};

/// Measures Fleetward
///
/// Build it with --release: figures of other builds mean nothing.
#[derive(Debug, Parser)]
#[command(name = "fleetward-benches")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Idle polls a second, against a bare web server that answers the same bytes
    Polls,
    /// Durable reports a second through HTTP, against the store's own group commit
    Reports,
    /// Start, memory and first wave of large fleets
    Fleet,
    /// One step of the engine in waves of very different size, and whole rollouts in virtual time
    Engine,
    /// All of them
    All,
    /// A web server that knows one answer
    #[command(hide = true)]
    ServeBare(serve::Bare),
    /// The real server, taking orders on its standard input
    #[command(hide = true)]
    ServeFleetward(serve::Fleetward),
}

/// How much is measured.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How often each measurement is repeated, in turns with what it is compared with
    #[arg(long, global = true, default_value_t = 5, value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
    /// Length of one measurement under load
    #[arg(long, global = true, default_value_t = 3, value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    /// Connections that poll at once
    #[arg(long, global = true, default_value_t = 64, value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// Sizes of fleets; polls and reports use the first
    #[arg(long, global = true, value_delimiter = ',', default_value = "10000,100000,1000000",
        value_parser = value_parser!(u32).range(1..))]
    devices: Vec<u32>,
    /// Where databases are made, on the disk to be measured; the system's temporary folder when left out
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Options {
    /// Length of one measurement under load.
    pub(crate) const fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Devices in the benches of requests.
    pub(crate) fn few_devices(&self) -> u32 {
        self.devices
            .first()
            .copied()
            .expect("invariant: the list has a default and no empty entries")
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Cli { bench, options } = Cli::parse();
    match bench {
        Bench::Polls => polls::run(&options).await,
        Bench::Reports => reports::run(&options).await,
        Bench::Fleet => fleet::run(&options).await,
        Bench::Engine => engine::run(&options),
        Bench::All => {
            engine::run(&options)?;
            polls::run(&options).await?;
            reports::run(&options).await?;
            fleet::run(&options).await
        }
        Bench::ServeBare(arguments) => serve::bare(arguments).await,
        Bench::ServeFleetward(arguments) => serve::fleetward(arguments).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_a_list() {
        let cli = Cli::try_parse_from(["fleetward-benches", "fleet", "--devices", "10,20"]);
        assert_eq!(cli.unwrap().options.devices, [10, 20]);
    }
}
