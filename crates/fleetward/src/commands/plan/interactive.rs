//! `plan create --interactive`: questions for what is not given, with what the server knows to choose from.

use fleetward_server::api::types::{EnvironmentView, FirmwareView};

use super::fields::{PlanFields, percent};
use crate::client::Client;
use crate::error::CliError;
use crate::output::Output;

/// The fields, with answers for those that a plan can't do without or that make the most difference.
pub(super) async fn complete(
    mut fields: PlanFields,
    client: &Client,
    output: &Output,
) -> Result<PlanFields, CliError> {
    if fields.firmware_version.is_none() {
        let firmware = client
            .list::<FirmwareView>(&["firmware"], &[], 20)
            .await?
            .items;
        let versions = firmware
            .into_iter()
            .filter(|version| version.status == "available");
        let versions: Vec<String> = versions.map(|version| version.version).collect();
        if versions.is_empty() {
            return Err(CliError::usage("there is no firmware to deploy")
                .hint("bring some: fleetward firmware upload FILE --version VERSION"));
        }
        fields.firmware_version = Some(required(output, "Version to deploy", &versions)?);
    }
    if fields.target_environment.is_none() || fields.source_environment.is_none() {
        let environments = client
            .list::<EnvironmentView>(&["environments"], &[], usize::MAX)
            .await?
            .items;
        let names: Vec<String> = environments
            .into_iter()
            .map(|environment| environment.id)
            .collect();
        if fields.target_environment.is_none() {
            fields.target_environment = Some(required(output, "Environment to update", &names)?);
        }
        if fields.source_environment.is_none() {
            fields.source_environment =
                optional(output, "Environment where it was proven (none)", &names)?;
        }
    }
    if fields.strategy.is_none() {
        let strategies = ["blue_green", "canary", "rolling", "immediate"].map(str::to_owned);
        fields.strategy = optional(output, "Strategy (the server's default)", &strategies)?;
    }
    if fields.strategy.as_deref() == Some("canary") && fields.canary_percentage.is_none() {
        fields.canary_percentage = share(
            output,
            "Share in the first wave, in percent (the server's default)",
        )?;
    }
    if fields.criteria.max_failure_rate.is_none() {
        fields.criteria.max_failure_rate =
            share(output, "Most failures, in percent (the environment's)")?;
    }
    if fields.name.is_none() {
        fields.name = Some(name(&fields, output)?);
    }
    Ok(fields)
}

/// One of the choices.
fn required(output: &Output, question: &str, choices: &[String]) -> Result<String, CliError> {
    loop {
        match optional(output, question, choices)? {
            Some(answer) => return Ok(answer),
            None => output.note("  a plan can't do without it"),
        }
    }
}

/// One of the choices, or none.
fn optional(
    output: &Output,
    question: &str,
    choices: &[String],
) -> Result<Option<String>, CliError> {
    loop {
        let answer = output.ask(&format!("{question} [{}]:", choices.join(", ")))?;
        if answer.is_empty() {
            return Ok(None);
        }
        if choices.contains(&answer) {
            return Ok(Some(answer));
        }
        output.note(&format!("  `{answer}` is none of them"));
    }
}

fn share(output: &Output, question: &str) -> Result<Option<f64>, CliError> {
    loop {
        let answer = output.ask(&format!("{question}:"))?;
        if answer.is_empty() {
            return Ok(None);
        }
        match percent(&answer) {
            Ok(share) => return Ok(Some(share)),
            Err(reason) => output.note(&format!("  {reason}")),
        }
    }
}

fn name(fields: &PlanFields, output: &Output) -> Result<String, CliError> {
    let version = fields.firmware_version.as_deref().unwrap_or_default();
    let environment = fields.target_environment.as_deref().unwrap_or_default();
    let usual = format!("{version} to {environment}");
    let answer = output.ask(&format!("Name ({usual}):"))?;
    Ok(if answer.is_empty() { usual } else { answer })
}
