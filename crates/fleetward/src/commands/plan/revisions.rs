//! `fleetward plan revisions`.

use clap::Args;
use fleetward_server::api::types::RevisionView;

use super::target::{self, Target};
use crate::cli::Context;
use crate::commands::listing;
use crate::error::{CliError, Ending};
use crate::page::moment;

/// Characters of a digest that people compare by eye.
const SHORT: usize = 12;

/// List the revisions of a plan, the newest first, with what was said of each
#[derive(Debug, Args)]
pub(crate) struct Revisions {
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(command: Revisions, context: &Context) -> Result<Ending, CliError> {
    let path = ["deployment-plans", &command.target.id(), "revisions"];
    let rows = context
        .client()?
        .list(&path, &[], usize::MAX)
        .await
        .map_err(target::missing)?;
    listing::show(&context.output, &rows, &HEADER, row, "There are none")?;
    Ok(Ending::Done)
}

const HEADER: [&str; 5] = ["REVISION", "STATUS", "WRITTEN", "SAID OF IT", "DIGEST"];

fn row(revision: &RevisionView) -> Vec<String> {
    let said = revision.approvals.iter().map(|said| {
        let comment = said
            .comment
            .as_deref()
            .filter(|comment| !comment.is_empty());
        let comment = comment.map(|comment| format!(" ({comment})"));
        format!(
            "{} by {}{}",
            said.verdict,
            said.by,
            comment.unwrap_or_default()
        )
    });
    vec![
        revision.revision.to_string(),
        revision.status.clone(),
        format!(
            "{} by {}",
            moment(&revision.created_at),
            revision.created_by
        ),
        said.collect::<Vec<_>>().join(", "),
        revision.digest.chars().take(SHORT).collect(),
    ]
}
