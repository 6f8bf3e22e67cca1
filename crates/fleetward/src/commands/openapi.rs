//! `fleetward openapi`: the description of the REST API that the server serves.

use crate::cli::Context;
use crate::error::{CliError, Ending};

/// Runs the command.
pub(crate) fn run(context: &Context) -> Result<Ending, CliError> {
    let document = fleetward_server::openapi_json();
    if context.output.for_people() {
        context.output.text(&format!("{}\n", document.trim_end()))?;
        return Ok(Ending::Done);
    }
    let document: serde_json::Value = serde_json::from_str(&document)
        .map_err(|error| CliError::internal(format!("the description is no JSON: {error}")))?;
    context.output.show(&document, |_| {})?;
    Ok(Ending::Done)
}
