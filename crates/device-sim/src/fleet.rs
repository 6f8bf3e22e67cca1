//! Many simulated devices over real HTTP: building, starting, watching and changing a fleet.
//!
//! Parts: `build` (settings and their checks), `credentials`, `error`, `client` (requests over HTTP), `schedule` (whose turn it is), `stats` (what is
//! seen from outside). What a single device does is in [`crate::device`].

mod build;
mod client;
mod credentials;
mod error;
mod schedule;
mod stats;

pub use build::{Fleet, FleetBuilder};
pub use credentials::Credentials;
pub use error::FleetError;
pub use stats::{DeviceView, FleetStats};

use crate::behaviour::{Behaviour, BehaviourError};
use crate::device::{AcknowledgedReport, Device};
use client::{Client, Line};
use schedule::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running fleet. Dropping it stops the fleet.
#[derive(Debug)]
#[must_use = "dropping the handle stops the fleet"]
pub struct FleetHandle {
    members: Arc<Members>,
    schedule: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl FleetHandle {
    /// Counts over all devices and all requests so far.
    pub fn stats(&self) -> FleetStats {
        FleetStats::of(&self.members)
    }

    /// All devices, each as it is when its turn comes in the iteration.
    pub fn devices(&self) -> impl Iterator<Item = DeviceView> + '_ {
        (0..self.members.len()).map(|index| DeviceView::of(&self.members.device(index)))
    }

    /// What the server has acknowledged, by device name; empty lists unless the fleet records.
    pub fn acknowledged(&self) -> impl Iterator<Item = (String, Vec<AcknowledgedReport>)> + '_ {
        (0..self.members.len()).map(|index| {
            let device = self.members.device(index);
            (device.id().to_owned(), device.acknowledged().to_vec())
        })
    }

    /// Gives all devices another behaviour from now on; offline devices that are online by it start to talk.
    ///
    /// # Errors
    ///
    /// The behaviour is not possible; nothing is changed.
    pub fn set_behaviour(&self, behaviour: Behaviour) -> Result<(), BehaviourError> {
        behaviour.check()?;
        let behaviour = Arc::new(behaviour);
        for index in 0..self.members.len() {
            self.members
                .device(index)
                .set_behaviour(Arc::clone(&behaviour));
        }
        self.members.wake_parked();
        Ok(())
    }

    /// Brings up to `most` offline devices online for good; returns how many.
    pub fn bring_online(&self, most: usize) -> usize {
        let brought = (0..self.members.len())
            .filter(|index| self.members.device(*index).bring_online())
            .take(most)
            .count();
        self.members.wake_parked();
        brought
    }

    /// Stops the fleet; requests in flight are broken off. What it was can still be read.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        let Some(schedule) = self.schedule.take() else {
            return;
        };
        if let Err(error) = schedule.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

impl Drop for FleetHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the handle and the schedule share.
#[derive(Debug)]
struct Members {
    devices: Vec<Mutex<Device>>,
    lines: Vec<Line>,
    client: Client,
    clock: Clock,
    /// Grows whenever parked devices may have something to do.
    wakes: AtomicU64,
    woken: Notify,
}

impl Members {
    fn len(&self) -> usize {
        self.devices.len()
    }

    fn device(&self, index: usize) -> MutexGuard<'_, Device> {
        self.devices[index]
            .lock()
            .expect("invariant: no device panics while it is locked")
    }

    fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Acquire)
    }

    fn wake_parked(&self) {
        self.wakes.fetch_add(1, Ordering::AcqRel);
        self.woken.notify_one();
    }
}
