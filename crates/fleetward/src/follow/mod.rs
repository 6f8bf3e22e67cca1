//! Following an execution while it runs. An event of the server means "look again", and so does the time: devices move
//! without an event. What is shown is always what the API says now.

mod listener;
mod outcome;
mod progress;
mod wait;

pub(crate) use outcome::Goal;
pub(crate) use progress::Progress;
pub(crate) use wait::{Wait, wait};

use std::time::{Duration, Instant};

use fleetward_server::api::types::{DecisionView, ExecutionView};
use tokio::time::sleep;

use crate::client::Client;
use crate::error::{CliError, ErrorKind};
use listener::Listener;

/// Events closer together than this are answered with one question.
const GATHER: Duration = Duration::from_millis(150);
/// Time between two tries while the server does not answer.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long a server may be away before following ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an execution looks like at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The execution.
    pub(crate) execution: ExecutionView,
    /// The decisions that no snapshot before had.
    pub(crate) decisions: Vec<DecisionView>,
}

/// A view of an execution that is renewed whenever something changes.
#[derive(Debug)]
pub(crate) struct Follower<'c> {
    client: &'c Client,
    execution: &'c str,
    listener: Listener,
    every: Duration,
    /// The number of the last decision that was handed out.
    seen: u64,
    started: bool,
}

impl<'c> Follower<'c> {
    /// Follows the execution with this id, looking at least once in `every`.
    pub(crate) fn new(client: &'c Client, execution: &'c str, every: Duration) -> Self {
        let listener = Listener::start(client.clone(), execution.to_owned());
        Self {
            client,
            execution,
            listener,
            every,
            seen: 0,
            started: false,
        }
    }

    /// The next snapshot: the first at once, then one for each event, and one whenever the time is over.
    ///
    /// # Errors
    /// The server refuses, or does not answer for [`PATIENCE`].
    pub(crate) async fn next(&mut self) -> Result<Snapshot, CliError> {
        if self.started {
            tokio::select! {
                () = self.listener.event() => sleep(GATHER).await,
                () = sleep(self.every) => {}
            }
        }
        self.started = true;
        let since = Instant::now();
        loop {
            match self.look().await {
                Err(error) if error.kind() == ErrorKind::Network && since.elapsed() < PATIENCE => {
                    sleep(TRY_AGAIN_AFTER).await;
                }
                result => return result,
            }
        }
    }

    /// The execution is read before its decisions, so that the last decision is there when the execution is over.
    async fn look(&mut self) -> Result<Snapshot, CliError> {
        let path = ["deployments", self.execution];
        let execution: ExecutionView = self.client.read(&path, &[]).await?;
        let path = ["deployments", self.execution, "decisions"];
        let decisions = self
            .client
            .list::<DecisionView>(&path, &[], usize::MAX)
            .await?
            .items;
        let mut decisions: Vec<_> = decisions
            .into_iter()
            .filter(|decision| decision.number > self.seen)
            .collect();
        decisions.sort_by_key(|decision| decision.number);
        self.seen = decisions.last().map_or(self.seen, |last| last.number);
        Ok(Snapshot {
            execution,
            decisions,
        })
    }
}
