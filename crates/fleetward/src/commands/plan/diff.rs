//! `fleetward plan diff`.

use clap::Args;
use fleetward_server::api::types::{PlanView, RevisionView};
use serde::Serialize;

use super::changes::{self, Change};
use super::target::{self, Target};
use crate::cli::Context;
use crate::client::Client;
use crate::error::{CliError, Ending, ErrorKind};
use crate::page::{Page, moment};

/// Show what changed in a plan since an earlier revision, field by field
#[derive(Debug, Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    target: Target,
    /// Since this revision; the one before the newest when left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    revision: Option<u32>,
    /// Until this revision; the newest when left out
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    to: Option<u32>,
}

/// Two revisions and what changed between them, for programs.
#[derive(Debug, Serialize)]
struct Difference {
    plan_id: String,
    from: Side,
    to: Side,
    changes: Vec<Change>,
}

/// A revision that is compared.
#[derive(Debug, Serialize)]
struct Side {
    revision: u32,
    digest: String,
    created_at: String,
    created_by: String,
}

pub(super) async fn run(command: Diff, context: &Context) -> Result<Ending, CliError> {
    let client = context.client()?;
    let plan_id = command.target.id();
    let path = ["deployment-plans", &plan_id, "revisions"];
    let revisions = client
        .list::<RevisionView>(&path, &[], usize::MAX)
        .await
        .map_err(target::missing)?
        .items;
    let newest = revisions.iter().map(|row| row.revision).max();
    let to = command.to.or(newest).unwrap_or(1);
    let from = command.revision.unwrap_or(to.saturating_sub(1).max(1));
    let (from, to) = (
        side(&revisions, from, &plan_id)?,
        side(&revisions, to, &plan_id)?,
    );
    let (before, after) = (
        whole(&client, &plan_id, from.revision).await?,
        whole(&client, &plan_id, to.revision).await?,
    );
    let difference = Difference {
        changes: changes::between(&before, &after)?,
        plan_id,
        from,
        to,
    };
    context
        .output
        .show(&difference, |page| write(page, &difference))?;
    Ok(Ending::Done)
}

async fn whole(client: &Client, plan: &str, revision: u32) -> Result<PlanView, CliError> {
    let revision = revision.to_string();
    let path = ["deployment-plans", plan, "revisions", &revision];
    client.read(&path, &[]).await
}

fn side(revisions: &[RevisionView], wanted: u32, plan: &str) -> Result<Side, CliError> {
    let found = revisions.iter().find(|row| row.revision == wanted);
    let missing = || {
        let message = format!("plan `{plan}` has no revision {wanted}");
        CliError::new(ErrorKind::Missing, message).hint(format!(
            "`fleetward plan revisions {plan}` shows those that it has"
        ))
    };
    let row = found.ok_or_else(missing)?;
    Ok(Side {
        revision: row.revision,
        digest: row.digest.clone(),
        created_at: row.created_at.clone(),
        created_by: row.created_by.clone(),
    })
}

fn write(page: &mut Page, difference: &Difference) {
    let Difference {
        plan_id,
        from,
        to,
        changes,
    } = difference;
    let told = |side: &Side| {
        let (number, at, by) = (side.revision, moment(&side.created_at), &side.created_by);
        format!("revision {number}, {at} by {by}")
    };
    page.fields(&[
        ("Plan", plan_id.clone()),
        ("From", told(from)),
        ("To", told(to)),
    ]);
    if from.revision == to.revision {
        page.line("\nThis is one revision; `fleetward plan edit` makes more");
    } else if changes.is_empty() {
        page.line("\nNo field differs");
    } else {
        page.line("");
        changes::write(page, changes);
    }
}
