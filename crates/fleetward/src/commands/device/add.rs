//! `fleetward device add`.

use clap::Args;
use fleetward_server::api::types::{NewDeviceRequest, NewDeviceView};

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;

/// Make a device known before it comes; its token is shown this once
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its id: the name that it will use itself
    #[arg(value_name = "DEVICE", value_parser = ids::any)]
    device: String,
    /// The environment that it will be in
    #[arg(short, long, value_name = "ENV")]
    environment: String,
    /// Its token; one is made when left out
    #[arg(long, env = "FLEETWARD_DEVICE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Hardware model
    #[arg(long)]
    model: Option<String>,
    /// Hardware revision
    #[arg(long)]
    revision: Option<String>,
    /// The groups that it is in
    #[arg(long, value_delimiter = ',', value_name = "GROUP,…")]
    groups: Option<Vec<String>>,
}

pub(super) async fn run(command: Add, context: &Context) -> Result<Ending, CliError> {
    let Add {
        device: device_id,
        environment,
        token,
        model,
        revision,
        groups,
    } = command;
    let request = NewDeviceRequest {
        device_id,
        environment,
        token,
        model,
        revision,
        groups,
    };
    let made: NewDeviceView = context.client()?.send(&["devices"], &request, None).await?;
    context.output.show(&made, |page| {
        super::write(page, &made.device);
        page.fields(&[("Token", made.token.clone().unwrap_or_default())]);
    })?;
    if made.token.is_some() {
        context
            .output
            .note("note: the token is not shown again; put it on the device");
    }
    Ok(Ending::Done)
}
