//! The engine's shell: load, decide, store and carry out in one transaction, then sleep until the next
//! thing is due.

mod around;
mod choose;
mod drive;
mod wakes;

pub use around::around;
pub use choose::{BEYOND, BUSY, Chosen, LeftOut, choose, choose_seen, left_out};
pub use drive::{DriveError, Driven, drive, start};
pub use wakes::Wakes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetward_core::Timestamp;
use fleetward_core::engine::Input;
use fleetward_core::seconds::Seconds;
use fleetward_store::leases::{self, Lease};
use fleetward_store::{Store, StoreError, Tx, executions};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::roster::Roster;

/// How long an execution stays with who drives it, from the last time it was driven.
const LEASE: Seconds = Seconds(5);
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
    /// The limits of environments, and freezes.
    pub config: Arc<Config>,
    /// Who drives, told apart from every other that may: no two drive one execution at once.
    pub holder: String,
}

impl Driver {
    /// Drives until told to stop. Each of them is looked at once at the start.
    ///
    /// # Errors
    /// The executions can't be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        // The data folder is this process's alone, so whoever drove before is gone.
        self.store.write(leases::end_all).await?;
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
        let (config, holder) = (Arc::clone(&self.config), self.holder.clone());
        let work = move |tx: &Tx<'_>| drive_leased(tx, &config, &holder, execution_key, now);
        let follow = move |driven: &Driven| roster.refresh(&driven.roster);
        let driven = self.store.write_then(work, follow).await?;
        if driven.told {
            self.wakes.told();
        }
        self.wakes.wake(driven.wake);
        Ok(driven.wake_at)
    }
}

/// Drives one execution, if nobody else does.
///
/// # Errors
/// The database fails, or somebody else took over meanwhile; then nothing was done.
pub fn drive_leased(
    tx: &Tx<'_>,
    config: &Config,
    holder: &str,
    execution_key: i64,
    now: Timestamp,
) -> Result<Driven, DriveError> {
    let Some(lease) = hold(tx, execution_key, holder, now)? else {
        return Ok(Driven {
            wake_at: Some(LEASE.after(now)),
            ..Driven::default()
        });
    };
    let driven = drive(tx, config, execution_key, Input::Tick, now)?;
    if driven.changed {
        leases::guard(tx, &lease)?;
    }
    Ok(driven)
}

/// The lease that is held, or one that is free. A look that changes nothing shall write nothing, so it is
/// renewed only when half of it is over.
fn hold(
    tx: &Tx<'_>,
    execution_key: i64,
    holder: &str,
    now: Timestamp,
) -> Result<Option<Lease>, StoreError> {
    let fresh = Seconds(LEASE.0 / 2).after(now);
    if let Some(held) = leases::holder_of(tx, execution_key)?
        && held.holder == holder
        && held.until > fresh
    {
        let epoch = held.epoch;
        return Ok(Some(Lease {
            execution_key,
            epoch,
        }));
    }
    leases::take(tx, execution_key, holder, now, LEASE)
}
