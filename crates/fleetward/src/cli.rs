//! The command line as a whole: what holds for every command, and which commands there are.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::client::{Client, Connection};
use crate::commands::{
    completions, config, demo, deploy, device, env, firmware, freeze, key, openapi, plan, serve,
};
use crate::error::{CliError, EXIT_CODES, Ending};
use crate::output::{Format, Output};

/// Brings firmware from development to production, in waves that stop and go back by themselves
///
/// One program is the server (`serve`), the command line that speaks to it, and a demo that needs nothing else (`demo`).
#[derive(Debug, Parser)]
#[command(name = "fleetward", version, after_long_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Address of the server
    #[arg(
        long,
        global = true,
        env = "FLEETWARD_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:5001"
    )]
    url: String,
    /// API key or JWT that the server is shown
    #[arg(
        long,
        global = true,
        env = "FLEETWARD_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    api_key: Option<String>,
    /// How results are written; notes and progress go to standard error
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "table|json|yaml", hide_possible_values = true)]
    output: Format,
    /// No colours; NO_COLOR does the same
    #[arg(long, global = true)]
    no_color: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Environments, and what their devices run
    #[command(subcommand)]
    Env(env::EnvCommand),
    /// Plans: what to deploy where and how
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Executions of plans: start, watch, stop
    #[command(subcommand)]
    Deploy(deploy::DeployCommand),
    /// Firmware versions and their images
    #[command(subcommand)]
    Firmware(firmware::FirmwareCommand),
    /// Devices
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Times in which nothing is released
    #[command(subcommand)]
    Freeze(freeze::FreezeCommand),
    /// API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// The configuration file of a server
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Serve(serve::Serve),
    Demo(demo::Demo),
    /// Print the OpenAPI document of the REST API, without a server
    Openapi,
    Completions(completions::Completions),
}

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// The way to the terminal.
    pub(crate) output: Output,
    connection: Connection,
    plain: bool,
}

impl Cli {
    /// Does what the command line says; returns the exit code.
    pub(crate) fn run(self) -> ExitCode {
        let Globals {
            url,
            api_key: key,
            output,
            no_color: plain,
        } = self.globals;
        let output = Output::new(output, plain);
        let context = Context {
            output,
            connection: Connection { url, key },
            plain,
        };
        match self.command.run(&context) {
            Ok(ending) => ending.exit_code(),
            Err(error) => {
                output.error(&error);
                error.exit_code()
            }
        }
    }
}

impl Command {
    fn run(self, context: &Context) -> Result<Ending, CliError> {
        match self {
            Self::Env(command) => wait_for(env::run(command, context)),
            Self::Plan(command) => wait_for(plan::run(command, context)),
            Self::Deploy(command) => wait_for(deploy::run(command, context)),
            Self::Firmware(command) => wait_for(firmware::run(command, context)),
            Self::Device(command) => wait_for(device::run(command, context)),
            Self::Freeze(command) => wait_for(freeze::run(command, context)),
            Self::Key(command) => wait_for(key::run(command, context)),
            Self::Config(command) => config::run(&command, context),
            Self::Serve(command) => serve::run(command, context),
            Self::Demo(command) => wait_for(demo::run(command, context)),
            Self::Openapi => openapi::run(context),
            Self::Completions(command) => completions::run(&command, context),
        }
    }
}

impl Context {
    /// A client of the server that the command line names.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        Client::new(&self.connection)
    }

    /// Colours are unwanted, whatever the terminal can show.
    pub(crate) const fn plain(&self) -> bool {
        self.plain
    }
}

/// Runs a command that waits for the network, with a thread for each processor.
fn wait_for(command: impl Future<Output = Result<Ending, CliError>>) -> Result<Ending, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::internal(format!("no threads can be started: {error}")))?;
    runtime.block_on(command)
}
