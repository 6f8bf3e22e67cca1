//! `fleetward plan create`: from flags, a file, answers, or all of them.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use fleetward_server::api::types::PlanView;

use super::fields::PlanFields;
use super::{interactive, view};
use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Create a plan
///
/// What is left out is taken from the environment and the server's defaults. Flags win over the file.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Ask for what is not given on the command line
    #[arg(short, long, conflicts_with = "config")]
    interactive: bool,
    /// Read the plan from this file, YAML or JSON, with the fields of the API; `-` reads standard input
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any text that is the same when this is tried again, so that one plan is made
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    fields: PlanFields,
}

pub(super) async fn run(command: Create, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let Create {
        interactive,
        config,
        idempotency_key,
        fields,
    } = command;
    let fields = match config {
        Some(file) => fields.or(read(&file)?),
        None if interactive => interactive::complete(fields, &client, &context.output).await?,
        None => fields,
    };
    let request = fields.request()?;
    let plan: PlanView = client
        .send(&["deployment-plans"], &request, idempotency_key.as_deref())
        .await?;
    context
        .output
        .show(&plan, |page| view::write(page, &plan))?;
    Ok(Ending::Done)
}

/// The fields in a file. Every JSON document is a YAML document as well.
fn read(file: &Path) -> Result<PlanFields, CliError> {
    let name = file.display();
    let unreadable =
        |error: std::io::Error| CliError::usage(format!("the plan {name} cannot be read: {error}"));
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        text
    } else {
        std::fs::read_to_string(file).map_err(unreadable)?
    };
    serde_saphyr::from_str(&text).map_err(|error| {
        CliError::usage(format!("the plan {name} cannot be understood: {error}")).hint(
            "`fleetward plan create --help` lists the fields; in a file they have _ instead of -",
        )
    })
}
