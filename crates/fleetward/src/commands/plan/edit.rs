//! `fleetward plan edit`.

use std::path::PathBuf;

use clap::Args;
use fleetward_server::api::types::PlanView;
use serde::Serialize;

use super::changes::{self, Change};
use super::fields::PlanFields;
use super::target::{self, Target};
use super::{file, life};
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::page::{Page, optional_moment};

/// Change a plan that was not executed: makes its next revision, which nobody has approved
///
/// The file has the whole plan, as for `plan create`: what it leaves out is taken from the environment and the server's
/// defaults, and not from the revision before. Flags win over the file. Shows what changed.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    #[command(flatten)]
    target: Target,
    /// Read the plan from this file, YAML or JSON, with the fields of the API; `-` reads standard input
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// The plan's digest as you saw it; a plan that is another by now is not changed. As it is now when left out
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    if_match: Option<String>,
    #[command(flatten)]
    fields: PlanFields,
}

/// The new revision with what changed, for programs.
#[derive(Debug, Serialize)]
struct Edited {
    #[serde(flatten)]
    plan: PlanView,
    changes: Vec<Change>,
}

pub(super) async fn run(command: Edit, context: &Context) -> Result<Ending, CliError> {
    let Edit {
        target: plan,
        config,
        if_match,
        fields,
    } = command;
    let request = fields.or(file::read(&config)?).request()?;
    let client = context.client()?;
    let id = plan.id();
    let path = ["deployment-plans", &id];
    let before: PlanView = client.read(&path, &[]).await.map_err(target::missing)?;
    let seen = if_match.as_ref().unwrap_or(&before.digest);
    let plan: PlanView = client
        .replace(&path, seen, &request)
        .await
        .map_err(target::missing)?;
    let changes = changes::between(&before, &plan)?;
    let edited = Edited { plan, changes };
    context
        .output
        .show(&edited, |page| write(page, &edited, before.revision))?;
    Ok(Ending::Done)
}

fn write(page: &mut Page, edited: &Edited, before: u32) {
    let Edited { plan, changes } = edited;
    page.fields(&[
        ("Plan", plan.plan_id.clone()),
        ("Name", plan.name.clone()),
        ("Status", plan.status.clone()),
        ("Revision", format!("{}, after {before}", plan.revision)),
        ("Expires", optional_moment(plan.expires_at.as_ref())),
        ("Digest", plan.digest.clone()),
    ]);
    if changes.is_empty() {
        page.heading("No field changed; approvals of the revision before don't count for this one");
    } else {
        page.heading("Changed");
        changes::write(page, changes);
    }
    life::write_next(page, plan);
}

/// A digest, with or without the quotes of an `ETag`.
fn digest(text: &str) -> Result<String, String> {
    let bare = text.trim().trim_matches('"');
    if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("give the digest that `fleetward plan show` has".to_owned());
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_digest_is_one_with_and_without_the_quotes_of_a_tag() {
        assert_eq!(digest("\"00ff\""), Ok("00ff".to_owned()));
        assert_eq!(digest("00ff"), Ok("00ff".to_owned()));
        for text in ["", "\"\"", "*", "W/\"00ff\"", "0\n0"] {
            assert!(digest(text).is_err(), "{text}");
        }
    }
}
