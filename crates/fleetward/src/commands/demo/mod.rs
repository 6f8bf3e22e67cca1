//! `fleetward demo`: a server, two simulated fleets and four rollouts in one process, told while they happen.
//!
//! Parts: `stage` (server and fleets), `story` (what is done, through the REST API alone), `narrate` (how it is told).

mod narrate;
mod stage;
mod story;

use std::net::SocketAddr;
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::program;
use crate::stop_signals::StopSignals;
use narrate::Narrator;
use stage::Stage;
use story::Told;

/// See it work: a server, 212 simulated devices and four rollouts, in about a minute and with nothing else installed
///
/// Version 1.1.0 goes to staging and to production. Version 1.2.0 does well in staging and badly in production, where it
/// is stopped in its first wave and rolled back by itself. Afterwards the server keeps running for you to look around,
/// until Ctrl-C; its data is in a temporary folder and goes with it.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// End when the story is told; the exit code is 1 when it did not go as it should
    #[arg(long)]
    exit: bool,
}

/// Where to go on, for programs.
#[derive(Debug, Serialize)]
struct GoOn<'s> {
    url: &'s str,
    api_key: &'s str,
    executions: &'s [String],
}

/// Plays the demo.
pub(crate) async fn run(command: Demo, context: &Context) -> Result<Ending, CliError> {
    if std::env::var_os(EnvFilter::DEFAULT_ENV).is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .init();
    }
    play(&command, context)
        .await
        .map_err(|error| match error.downcast::<CliError>() {
            Ok(error) => error,
            Err(error) => {
                CliError::internal(format!("the demo did not go as it should: {error:#}"))
            }
        })
}

async fn play(command: &Demo, context: &Context) -> anyhow::Result<Ending> {
    let mut stop = StopSignals::new()?;
    let narrator = Narrator::new(context.output, Instant::now());
    narrator.begin()?;
    let stage = Stage::build(command.listen).await?;
    let told = tokio::select! {
        told = story::tell(&stage, &narrator) => Some(told),
        () = stop.wait() => None,
    };
    let result = match told {
        None => Ok(()),
        Some(Err(error)) => Err(error),
        Some(Ok(told)) => {
            let said = say_how_to_go_on(command, context, &stage, &told);
            if said.is_ok() && !command.exit {
                stop.wait().await;
            }
            said.map_err(Into::into)
        }
    };
    stage.stop().await;
    result.map(|()| Ending::Done)
}

/// Says how to go on by hand.
fn say_how_to_go_on(
    command: &Demo,
    context: &Context,
    stage: &Stage,
    told: &Told,
) -> Result<(), CliError> {
    let (url, api_key) = (stage.url(), stage.admin_key());
    let executions = &told.executions;
    context.output.show(&GoOn { url, api_key, executions }, |page| {
        page.heading("All of this went through the REST API, whose description is served as well:");
        page.line(format!("  {url}/api/docs"));
        if command.exit {
            return;
        }
        let program = program::name();
        page.heading("The server keeps running. Go on by hand in another terminal:");
        page.line(format!("  export FLEETWARD_URL={url} FLEETWARD_API_KEY={api_key}"));
        page.line(format!("  {program} env list"));
        if let Some(last) = executions.last() {
            page.line(format!("  {program} deploy status --execution-id {last} --all-decisions"));
        }
        page.line("  curl -H \"X-API-Key: $FLEETWARD_API_KEY\" \"$FLEETWARD_URL/api/devices?environment=production&limit=3\"");
        page.line("\nCtrl-C ends it and removes its data.");
    })
}
