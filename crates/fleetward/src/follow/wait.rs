//! Waiting for an execution, with its decisions and waves on the terminal meanwhile.

use std::time::Duration;

use clap::Args;
use fleetward_server::api::types::ExecutionView;
use tokio::time::{Instant, timeout_at};

use super::{Follower, Goal, Progress, Snapshot};
use crate::client::Client;
use crate::error::{CliError, Ending};
use crate::output::Output;
use crate::page::{Tone, moment};
use crate::waiting;

/// Time between two looks at devices that move without an event.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Whether and how long to wait.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Wait {
    /// Wait until it is over or needs an operator; the exit code says which
    #[arg(short, long)]
    pub(crate) wait: bool,
    /// Most seconds to wait; the execution goes on without it
    #[arg(long, value_name = "SECONDS", requires = "wait", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
}

impl Wait {
    /// Until when, counted from now; `None` where there is no limit.
    fn deadline(self) -> Option<Instant> {
        Instant::now().checked_add(Duration::from_secs(self.timeout?))
    }
}

/// Shows decisions and waves on standard error until the execution is where the command wants it, is over, or waits for
/// an operator (unless `through_halts`). Returns how it looks then, and what that means for the command.
pub(crate) async fn wait(
    client: &Client,
    output: &Output,
    execution: &str,
    goal: Goal,
    how: Wait,
    through_halts: bool,
) -> Result<(ExecutionView, Ending), CliError> {
    let deadline = how.deadline();
    let mut follower = Follower::new(client, execution, LOOK_EVERY);
    let mut progress = Progress::new();
    let mut waits = None;
    loop {
        let next = match deadline {
            None => follower.next().await,
            Some(deadline) => match timeout_at(deadline, follower.next()).await {
                Ok(next) => next,
                Err(_) => {
                    let now = client.read(&["deployments", execution], &[]).await?;
                    return Ok((now, Ending::TimedOut));
                }
            },
        };
        let Snapshot {
            execution,
            decisions,
        } = next?;
        let reason = waiting::reason(&execution);
        progress.above(|| {
            if let Some(reason) = reason.as_ref().filter(|_| reason != waits) {
                output.note(&format!("{} is queued: {reason}", execution.execution_id));
            }
            for decision in &decisions {
                let tone = Tone::of(&decision.decision);
                let summary = output.note_style().paint(tone, &decision.summary);
                output.note(&format!("{}  {summary}", moment(&decision.at)));
            }
        });
        waits = reason;
        progress.update(&execution);
        if let Some(ending) = goal.judge(&execution, through_halts)? {
            return Ok((execution, ending));
        }
    }
}
