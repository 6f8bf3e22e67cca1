//! Delivering what lies in the outbox: each event at least once, in order.

use std::sync::Arc;
use std::time::Duration;

use fleetward_store::outbox::{self, Event};
use fleetward_store::{Store, StoreError};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::driver::Wakes;

const AT_ONCE: u32 = 500;
/// How long to wait before an outbox that could not be emptied is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Tells everyone who listens what happened. Cheap to clone.
#[derive(Clone)]
pub struct Announcer(broadcast::Sender<Arc<Event>>);

impl Default for Announcer {
    fn default() -> Self {
        Self(broadcast::Sender::new(4096))
    }
}

impl Announcer {
    /// What happens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.subscribe()
    }
}

/// Carries events from the outbox to those who listen.
pub struct Carrier {
    /// Where the outbox is.
    pub store: Store,
    /// Who is told.
    pub announcer: Announcer,
    /// Where the time comes from.
    pub clock: Clock,
    /// Says when something was put in.
    pub wakes: Wakes,
}

impl Carrier {
    /// Carries until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let failed = match self.carry().await {
                Ok(true) => continue,
                Ok(false) => false,
                Err(error) => {
                    tracing::error!(%error, "the outbox can't be emptied");
                    true
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wakes.outbox_filled() => {}
                () = tokio::time::sleep(RETRY), if failed => {}
            }
        }
    }

    /// Carries what lies there; true when there may be more.
    ///
    /// # Errors
    /// The database fails; what was carried may be carried again.
    pub async fn carry(&self) -> Result<bool, StoreError> {
        let events = self.store.read(|tx| outbox::waiting(tx, AT_ONCE)).await?;
        let Some(last) = events.last().map(|event| event.number) else {
            return Ok(false);
        };
        let full = events.len() == AT_ONCE as usize;
        for event in events {
            // No listener is no failure: who comes later reads the table.
            drop(self.announcer.0.send(Arc::new(event)));
        }
        let now = self.clock.now();
        self.store
            .write(move |tx| outbox::delivered(tx, last, now))
            .await?;
        Ok(full)
    }
}
