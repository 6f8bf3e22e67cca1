//! `fleetward serve`: the server, from its configuration to its end.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use fleetward_server::clock::Clock;
use fleetward_server::config::{self, Config, LogLevel, Logging, Problem, Sources, Warning};
use fleetward_server::{ServeOptions, Server, StartError};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::cli::Context;
use crate::error::{CliError, Ending, ErrorKind};
use crate::stop_signals::StopSignals;

/// Run the server
///
/// Everything has a default: without any option, the server keeps its data in ./fleetward-data and listens on
/// 127.0.0.1:5001. The first start on an empty data directory makes an admin key and prints it once. SIGINT and SIGTERM
/// stop it after the work under way.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file; built-in defaults when left out
    #[arg(
        long,
        env = "FLEETWARD_CONFIG",
        hide_env_values = true,
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// Where the database and the images are kept
    #[arg(
        long,
        env = "FLEETWARD_DATA_DIR",
        hide_env_values = true,
        value_name = "DIR",
        default_value = "./fleetward-data"
    )]
    data_dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "FLEETWARD_LISTEN",
        hide_env_values = true,
        value_name = "ADDR",
        default_value = "127.0.0.1:5001"
    )]
    listen: SocketAddr,
    /// The first admin key, instead of one that is made and printed; better given as a variable, which `ps` does not show
    #[arg(
        long,
        env = "FLEETWARD_BOOTSTRAP_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    bootstrap_key: Option<String>,
}

/// What a server says once it runs, for programs.
#[derive(Debug, Serialize)]
struct Running<'s> {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_key: Option<&'s str>,
}

/// Runs the server until it is told to stop.
pub(crate) fn run(command: Serve, context: &Context) -> Result<Ending, CliError> {
    let (config, warnings) = read(command.config.as_deref())?;
    start_logging(&config.logging, context.plain());
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    refuse(&config)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = config.performance.worker_threads {
        builder.worker_threads(usize::try_from(threads).unwrap_or(usize::MAX));
    }
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| CliError::internal(format!("no threads can be started: {error}")))?;
    runtime.block_on(serve(command, config, context))
}

async fn serve(command: Serve, config: Config, context: &Context) -> Result<Ending, CliError> {
    let options = ServeOptions {
        config,
        data_dir: command.data_dir,
        listen: command.listen,
        bootstrap_key: command.bootstrap_key.filter(|key| !key.trim().is_empty()),
        clock: Clock::system(),
    };
    let mut stop = StopSignals::new()?;
    let server = fleetward_server::start(options)
        .await
        .map_err(|error| not_started(&error))?;
    announce(&server, context)?;
    stop.wait().await;
    tracing::info!("stopping; work under way is finished first");
    server.stop().await;
    Ok(Ending::Done)
}

fn not_started(error: &StartError) -> CliError {
    let message = format!("the server did not start: {error}");
    if matches!(error, StartError::WeakKey) {
        CliError::usage(message).hint("`openssl rand -hex 32` makes a good one")
    } else {
        CliError::internal(message)
    }
}

/// The configuration of the file, or of the built-in defaults, about which nobody needs a warning.
fn read(file: Option<&Path>) -> Result<(Config, Vec<Warning>), CliError> {
    let read = match file {
        Some(file) => config::load(file, &Sources::system()),
        None => config::check(
            "built-in defaults",
            Config::default_file(),
            &Sources::system(),
        )
        .map(|(config, _)| (config, Vec::new())),
    };
    read.map_err(|error| {
        invalid(&error.problems)
            .hint("`fleetward config check FILE` checks a file without starting anything")
    })
}

fn refuse(config: &Config) -> Result<(), CliError> {
    let refusals = config::serve_refusals(config);
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(invalid(&refusals))
    }
}

fn invalid(problems: &[Problem]) -> CliError {
    let mut message = "the configuration cannot be served".to_owned();
    for problem in problems {
        message.push_str(&format!("\n  {problem}"));
    }
    CliError::new(ErrorKind::Config, message)
}

fn announce(server: &Server, context: &Context) -> Result<(), CliError> {
    let url = format!("http://{}", server.address());
    let running = Running {
        url: url.clone(),
        first_key: server.first_key(),
    };
    context.output.show(&running, |page| {
        page.line(format!(
            "Fleetward listens on {url}; its API is described at {url}/api/docs"
        ));
        if let Some(key) = server.first_key() {
            page.line(format!("The first admin key, shown only now: {key}"));
            page.line(format!(
                "Try it: FLEETWARD_URL={url} FLEETWARD_API_KEY={key} fleetward env list"
            ));
        }
    })
}

/// Logs to standard error. `RUST_LOG` wins over the configuration.
fn start_logging(logging: &Logging, plain: bool) {
    let level = match logging.log_level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warning => "warn",
        LogLevel::Error => "error",
    };
    let configured = if logging.verbose_output {
        level.to_owned()
    } else {
        let others = if logging.log_level == LogLevel::Error {
            "error"
        } else {
            "warn"
        };
        format!("{others},fleetward={level},fleetward_server={level},fleetward_store={level}")
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(configured));
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !plain && !unwanted)
        .init();
}
