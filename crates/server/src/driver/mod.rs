//! The engine's shell: load, decide, store and carry out in one transaction, then sleep until the next
//! thing is due.

mod drive;
mod wakes;

pub use drive::{DriveError, Driven, drive, start};
pub use wakes::Wakes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetward_core::Timestamp;
use fleetward_core::engine::Input;
use fleetward_store::{Store, StoreError, executions};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::roster::Roster;

/// How long to wait before an execution that could not be driven is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Drives every execution that something is due for.
pub struct Driver {
    /// Where executions are kept.
    pub store: Store,
    /// What follows the effects.
    pub roster: Arc<Roster>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Who woke up.
    pub wakes: Wakes,
}

impl Driver {
    /// Drives until told to stop. Each of them is looked at once at the start.
    ///
    /// # Errors
    /// The executions can't be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        let open = self.store.read(executions::due).await?;
        self.wakes.wake(open);
        let mut timers: BTreeMap<i64, Timestamp> = BTreeMap::new();
        loop {
            let nap = self.until_due(&timers);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.wakes.woken() => {}
                () = tokio::time::sleep(nap) => {}
            }
            let now = self.clock.now();
            let mut due = self.wakes.take();
            due.extend(
                timers
                    .iter()
                    .filter(|(_, at)| **at <= now)
                    .map(|(key, _)| *key),
            );
            for execution_key in due {
                timers.remove(&execution_key);
                match self.drive_once(execution_key).await {
                    Ok(wake_at) => drop(wake_at.map(|at| timers.insert(execution_key, at))),
                    Err(error) => {
                        tracing::error!(%error, execution_key, "an execution can't be driven");
                        let retry = now.checked_add(RETRY).unwrap_or(Timestamp::MAX);
                        timers.insert(execution_key, retry);
                    }
                }
            }
        }
    }

    fn until_due(&self, timers: &BTreeMap<i64, Timestamp>) -> Duration {
        const LONGEST: Duration = Duration::from_secs(60);
        let Some(next) = timers.values().min() else {
            return LONGEST;
        };
        let left = next.duration_since(self.clock.now());
        Duration::try_from(left)
            .unwrap_or(Duration::ZERO)
            .min(LONGEST)
    }

    /// Looks at one execution and does what is due; says when it wants to be looked at again.
    ///
    /// # Errors
    /// The database fails; then nothing was done.
    pub async fn drive_once(&self, execution_key: i64) -> Result<Option<Timestamp>, DriveError> {
        let now = self.clock.now();
        let roster = Arc::clone(&self.roster);
        let work = move |tx: &fleetward_store::Tx<'_>| drive(tx, execution_key, Input::Tick, now);
        let follow = move |driven: &Driven| roster.refresh(&driven.roster);
        let driven = self.store.write_then(work, follow).await?;
        if driven.told {
            self.wakes.told();
        }
        Ok(driven.wake_at)
    }
}
