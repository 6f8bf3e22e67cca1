//! `fleetward env`: the environments of a server.

use clap::Subcommand;
use fleetward_server::api::types::EnvironmentView;

use super::listing::{self, Limit};
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;
use crate::page::{Page, yes_no};

/// The commands on environments.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// List the environments in the order of the path
    List,
    /// Show one environment, and what its devices run
    Show {
        /// Its name in the configuration, such as production
        #[arg(value_name = "ENV", value_parser = ids::any)]
        environment: String,
    },
}

/// Runs a command on environments.
pub(crate) async fn run(command: EnvCommand, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    match command {
        EnvCommand::List => {
            let rows = client
                .list(&["environments"], &[], Limit::ALL.most())
                .await?;
            let teach = "The server has no environments. They are defined in its configuration: `fleetward config schema`";
            listing::show(&context.output, &rows, &HEADER, row, teach)?;
        }
        EnvCommand::Show { environment } => {
            let environment: EnvironmentView = client
                .read(&["environments", &environment], &[])
                .await
                .map_err(|error| {
                    error.hint_if_missing("`fleetward env list` shows the environments")
                })?;
            context
                .output
                .show(&environment, |page| write(page, &environment))?;
        }
    }
    Ok(Ending::Done)
}

const HEADER: [&str; 7] = [
    "ENVIRONMENT",
    "STAGE",
    "DEVICES",
    "RUNNING",
    "OPEN",
    "APPROVAL",
    "ON A TRIP",
];

fn row(environment: &EnvironmentView) -> Vec<String> {
    let running = match environment.versions.as_slice() {
        [] => "-".to_owned(),
        [only] => version(&only.version),
        [most, others @ ..] => format!("{} and {} more", version(&most.version), others.len()),
    };
    vec![
        environment.id.clone(),
        environment.stage.clone(),
        environment.devices.to_string(),
        running,
        environment.open_deployments.to_string(),
        if environment.approval_required {
            "needed"
        } else {
            "-"
        }
        .to_owned(),
        on_a_trip(environment).to_owned(),
    ]
}

fn write(page: &mut Page, environment: &EnvironmentView) {
    page.fields(&[
        ("Environment", environment.id.clone()),
        ("Name", environment.name.clone()),
        ("Stage", environment.stage.clone()),
        ("Description", environment.description.clone()),
        ("Approval needed", yes_no(environment.approval_required)),
        ("On a trip", on_a_trip(environment).to_owned()),
        ("Devices join", environment.enrollment.clone()),
        (
            "Time to go back",
            format!("{} s", environment.rollback_timeout),
        ),
        ("Open executions", environment.open_deployments.to_string()),
        ("Devices", environment.devices.to_string()),
    ]);
    if !environment.versions.is_empty() {
        page.heading("What they run");
        let rows = environment.versions.iter();
        page.table(
            &["VERSION", "DEVICES"],
            rows.map(|count| vec![version(&count.version), count.devices.to_string()]),
        );
    }
}

fn on_a_trip(environment: &EnvironmentView) -> &'static str {
    if environment.auto_rollback {
        "goes back"
    } else {
        "halts and asks"
    }
}

fn version(version: &str) -> String {
    if version.is_empty() {
        "(unknown)".to_owned()
    } else {
        version.to_owned()
    }
}
