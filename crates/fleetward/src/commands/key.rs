//! `fleetward key`: the keys that people and programs show the API.

use clap::{Args, Subcommand};
use fleetward_server::api::types::{KeyView, NewKeyRequest, NewKeyView};

use super::listing::{self, Limit};
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;
use crate::page::{moment, optional_moment};

/// The commands on keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    Create(Create),
    /// List the keys, without their secrets
    List(Limit),
    /// Make a key useless, at once and for good
    Revoke {
        /// Its id, as `key list` shows it
        #[arg(value_name = "KEY_ID", value_parser = ids::any)]
        key: String,
    },
}

/// Make a key; it is shown this once
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What the key is for
    #[arg(long)]
    name: String,
    /// What the key may do
    #[arg(long, value_parser = ["viewer", "operator", "approver", "admin"])]
    role: String,
    /// Days until the key stops working; never when left out
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    expires_in_days: Option<u32>,
}

/// Runs a command on keys.
pub(crate) async fn run(command: KeyCommand, context: &Context) -> Result<Ending, CliError> {
    match command {
        KeyCommand::Create(create) => self::create(create, context).await?,
        KeyCommand::List(limit) => {
            let rows = context.client()?.list(&["keys"], &[], limit.most()).await?;
            let teach =
                "There are no keys. Make one: `fleetward key create --name ci --role operator`";
            listing::show(&context.output, &rows, &HEADER, row, teach)?;
        }
        KeyCommand::Revoke { key } => {
            let missing =
                "`fleetward key list` shows the keys; it wants the id, not the key itself";
            let removed = context.client()?.remove(&["keys", &key]).await;
            removed.map_err(|error| error.hint_if_missing(missing))?;
            context.output.note(&format!("{key} is revoked"));
        }
    }
    Ok(Ending::Done)
}

const HEADER: [&str; 6] = ["KEY", "NAME", "ROLE", "STATUS", "EXPIRES", "CREATED"];

fn row(key: &KeyView) -> Vec<String> {
    vec![
        key.key_id.clone(),
        key.name.clone(),
        key.role.clone(),
        key.status.clone(),
        optional_moment(key.expires_at.as_ref()),
        format!("{} by {}", moment(&key.created_at), key.created_by),
    ]
}

async fn create(create: Create, context: &Context) -> Result<(), CliError> {
    let Create {
        name,
        role,
        expires_in_days,
    } = create;
    let request = NewKeyRequest {
        name,
        role,
        expires_in_days,
    };
    let made: NewKeyView = context.client()?.send(&["keys"], &request, None).await?;
    context.output.show(&made, |page| {
        page.fields(&[
            ("Key", made.key.clone()),
            ("Id", made.view.key_id.clone()),
            ("Role", made.view.role.clone()),
            ("Expires", optional_moment(made.view.expires_at.as_ref())),
        ]);
    })?;
    context
        .output
        .note("note: the key is not shown again; keep it where secrets are kept");
    Ok(())
}
