//! Device reports on their way into the database: those that wait together share one transaction, and
//! each is acknowledged only when it is on the disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fleetward_store::actions::{RosterRow, roster_of};
use fleetward_store::reports::{Applied, DeviceReport, apply};
use fleetward_store::{Store, StoreError, Tx};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::driver::Wakes;
use crate::roster::Roster;

/// Most reports in one transaction.
const GROUP: usize = 1024;
/// Most reports waiting; more callers wait for room.
const QUEUE: usize = 8 * GROUP;

/// A report, with the id that the roster knows the device by.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The device's own id.
    pub device_id: Box<str>,
    /// What it said.
    pub report: DeviceReport,
}

type Waiting = (Incoming, oneshot::Sender<Applied>);

/// The way in for reports. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    queue: mpsc::Sender<Waiting>,
    stored: Arc<AtomicU64>,
}

/// The other end of the way in, to be run once.
pub struct Intake {
    waiting: mpsc::Receiver<Waiting>,
    stored: Arc<AtomicU64>,
}

impl Ingest {
    /// A way in and its other end.
    #[must_use]
    pub fn new() -> (Self, Intake) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let stored = Arc::<AtomicU64>::default();
        (
            Self {
                queue,
                stored: Arc::clone(&stored),
            },
            Intake { waiting, stored },
        )
    }

    /// Stores a report; when this returns, it is on the disk and the roster follows it.
    ///
    /// # Errors
    /// The database failed, or the server stops; the device has to repeat its report.
    pub async fn report(&self, incoming: Incoming) -> Result<Applied, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send((incoming, answer))
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::NotStored)
    }

    /// How many reports were stored since the start.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }
}

impl Intake {
    /// Takes reports in until every [`Ingest`] is gone.
    pub async fn run(mut self, store: Store, roster: Arc<Roster>, wakes: Wakes, clock: Clock) {
        let mut group = Vec::with_capacity(GROUP);
        while self.waiting.recv_many(&mut group, GROUP).await > 0 {
            let (incoming, answers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
            let count = incoming.len() as u64;
            match ingest_group(&store, &roster, incoming, &clock).await {
                Ok(applied) => {
                    self.stored.fetch_add(count, Ordering::Relaxed);
                    wakes.wake(moved(&applied));
                    for (answer, applied) in answers.into_iter().zip(applied) {
                        let _ = answer.send(applied);
                    }
                }
                // The answers are dropped, which tells each caller to have the report repeated.
                Err(error) => tracing::error!(%error, count, "device reports were not stored"),
            }
        }
    }
}

/// Stores a group of reports and lets the roster follow.
///
/// # Errors
/// The database fails; then none is stored.
pub async fn ingest_group(
    store: &Store,
    roster: &Arc<Roster>,
    incoming: Vec<Incoming>,
    clock: &Clock,
) -> Result<Vec<Applied>, StoreError> {
    let now = clock.now();
    let roster = Arc::clone(roster);
    let (ids, reports): (Vec<_>, Vec<_>) = incoming
        .into_iter()
        .map(|incoming| (incoming.device_id, incoming.report))
        .unzip();
    let actions: Vec<_> = reports.iter().map(|report| report.action).collect();
    let follow = move |(applied, rows): &(Vec<Applied>, Vec<RosterRow>)| {
        for ((id, action), applied) in ids.iter().zip(actions).zip(applied) {
            if let Applied::Changed { change, asks, .. } = applied {
                roster.reported(id, action, change, *asks);
            }
        }
        roster.refresh(rows);
    };
    let write = move |tx: &Tx<'_>| {
        let applied = apply(tx, &reports, now)?;
        let each = reports.iter().zip(&applied);
        let more =
            each.filter(|(_, applied)| matches!(applied, Applied::Changed { more: true, .. }));
        let devices: Vec<i64> = more.map(|(report, _)| report.device_key).collect();
        let rows = if devices.is_empty() {
            Vec::new()
        } else {
            roster_of(tx, &devices)?
        };
        Ok::<_, StoreError>((applied, rows))
    };
    Ok(store.write_then(write, follow).await?.0)
}

/// The executions whose counts moved: those to be looked at.
#[must_use]
pub fn moved(applied: &[Applied]) -> BTreeSet<i64> {
    let moved = applied.iter().filter_map(|applied| match applied {
        Applied::Changed {
            execution_key,
            moved: true,
            ..
        } => Some(*execution_key),
        Applied::Changed { .. } | Applied::Unknown | Applied::NotCancelling => None,
    });
    moved.collect()
}
