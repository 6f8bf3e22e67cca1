//! `fleetward config`: the configuration file of a server, without a server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fleetward_server::config::{self, Config, Problem, Sources};
use serde::Serialize;

use crate::cli::Context;
use crate::error::{CliError, Ending, ErrorKind};

/// The file that is checked where none is named.
const USUAL_FILE: &str = "deployment-config.yaml";

/// The commands on configuration files.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(Check),
    /// Print the JSON Schema of the configuration file, for editors
    Schema,
}

/// Say what is wrong with a configuration file, and what a server would make of it
///
/// Each problem is a line `file:line:column: key: what is wrong`. The exit code is 3 when there is one.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file
    #[arg(env = "FLEETWARD_CONFIG", hide_env_values = true, default_value = USUAL_FILE)]
    file: PathBuf,
}

/// What a check found, for programs.
#[derive(Debug, Serialize)]
struct Findings {
    valid: bool,
    problems: Vec<Finding>,
    warnings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    line: usize,
    column: usize,
    path: String,
    message: String,
    suggestion: Option<String>,
}

impl From<&Problem> for Finding {
    fn from(problem: &Problem) -> Self {
        let Problem {
            file,
            line,
            column,
            path,
            message,
            suggestion,
        } = problem.clone();
        Self {
            file,
            line,
            column,
            path,
            message,
            suggestion,
        }
    }
}

/// Runs a command on configuration files.
pub(crate) fn run(command: &ConfigCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        ConfigCommand::Check(check) => self::check(check, context),
        ConfigCommand::Schema => {
            let schema = config::schema();
            let text = serde_json::to_string_pretty(&schema).map_err(|error| {
                CliError::internal(format!("the schema cannot be written: {error}"))
            })?;
            if context.output.for_people() {
                context.output.text(&(text + "\n"))?;
            } else {
                context.output.show(&schema, |_| {})?;
            }
            Ok(Ending::Done)
        }
    }
}

fn check(check: &Check, context: &Context) -> Result<Ending, CliError> {
    let (config, warnings, problems) = match config::load(&check.file, &Sources::system()) {
        Ok((config, mut warnings)) => {
            warnings.extend(
                config::serve_refusals(&config)
                    .into_iter()
                    .map(before_serve),
            );
            (Some(config), warnings, Vec::new())
        }
        Err(error) => (None, Vec::new(), error.problems),
    };
    for problem in &problems {
        context.output.note(&problem.to_string());
    }
    for warning in &warnings {
        context.output.note(&format!("warning: {warning}"));
    }
    let findings = Findings {
        valid: problems.is_empty(),
        problems: problems.iter().map(Finding::from).collect(),
        warnings: warnings.iter().map(Finding::from).collect(),
    };
    let file = check.file.display();
    match config {
        Some(config) => {
            context.output.show(&findings, |page| {
                page.line(format!("{file} is valid: {}", summary(&config)));
            })?;
            Ok(Ending::Done)
        }
        None => {
            if !context.output.for_people() {
                context.output.show(&findings, |_| {})?;
            }
            let count = match problems.len() {
                1 => "1 problem".to_owned(),
                count => format!("{count} problems"),
            };
            Err(CliError::new(ErrorKind::Config, format!("{file} has {count}"))
                .hint("`fleetward config schema` prints a schema that editors complete and check with"))
        }
    }
}

/// What a check allows and a server refuses.
fn before_serve(mut problem: Problem) -> Problem {
    problem.message = format!("{}; `fleetward serve` refuses this", problem.message);
    problem
}

fn summary(config: &Config) -> String {
    let path: Vec<&str> = config.path().into_iter().map(|(key, _)| key).collect();
    format!("environments {}", path.join(" → "))
}
