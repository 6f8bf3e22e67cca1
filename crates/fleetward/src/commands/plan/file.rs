//! A plan in a file.

use std::io::Read;
use std::path::Path;

use super::fields::PlanFields;
use crate::error::CliError;

/// The fields in a file, YAML or JSON; `-` is standard input.
///
/// # Errors
/// It cannot be read, or has something that is no field of a plan.
pub(super) fn read(file: &Path) -> Result<PlanFields, CliError> {
    let name = file.display();
    let text = text(file)
        .map_err(|error| CliError::usage(format!("the plan {name} cannot be read: {error}")))?;
    // Every JSON document is a YAML document as well.
    serde_saphyr::from_str(&text).map_err(|error| {
        CliError::usage(format!("the plan {name} cannot be understood: {error}")).hint(
            "`fleetward plan create --help` lists the fields; in a file they have _ instead of -",
        )
    })
}

fn text(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}
