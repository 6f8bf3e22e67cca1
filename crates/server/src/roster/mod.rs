//! What a device's poll needs, in memory: who the device is, its token, what is open for it.
//!
//! Filled at start, and changed in the order of the database's commits; a poll that finds nothing new
//! touches no database.

mod entry;
mod names;

pub use entry::{Entry, Known};

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError, RwLock};

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, Change, Class, DeviceStatus};
use fleetward_core::ids::ActionId;
use fleetward_store::actions::{RosterRow, roster_after};
use fleetward_store::{Store, StoreError};

use names::Names;

const SHARDS: usize = 64;
const AT_ONCE: u32 = 20_000;

/// All devices.
pub struct Roster {
    shards: Vec<RwLock<HashMap<Box<str>, Entry>>>,
    hasher: RandomState,
    environments: Names,
    heard: Mutex<Vec<(Box<str>, i64, Timestamp)>>,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::new(),
            environments: Names::default(),
            heard: Mutex::default(),
        }
    }
}

impl Roster {
    /// Reads all devices.
    ///
    /// # Errors
    /// The database fails.
    pub async fn load(&self, store: &Store) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let rows = store
                .read(move |tx| roster_after(tx, after, AT_ONCE))
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.device_key;
            self.refresh(&rows);
        }
    }

    /// Takes over what the database says of these devices.
    pub fn refresh(&self, rows: &[RosterRow]) {
        for row in rows {
            let environment = self.environments.number(&row.environment);
            let mut shard = self
                .shard(&row.device_id)
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            match shard.get_mut(row.device_id.as_str()) {
                Some(entry) => entry.update(row, environment),
                None => {
                    shard.insert(row.device_id.as_str().into(), Entry::new(row, environment));
                }
            }
        }
    }

    /// A device and whether it proved to be it; one that did is noted as heard of.
    pub fn meet(
        &self,
        device_id: &str,
        now: Timestamp,
        proved: impl FnOnce(&Known) -> bool,
    ) -> Option<(Known, bool)> {
        let shard = self
            .shard(device_id)
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let entry = shard.get(device_id)?;
        let known = entry.known(self.environments.name(entry.environment));
        let proved = proved(&known);
        if proved && entry.hear(now) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push((device_id.into(), entry.device_key, now));
        }
        Some((known, proved))
    }

    /// Follows a report that was stored, after which the device's attributes may be wanted.
    pub fn reported(&self, device_id: &str, action: ActionId, change: &Change, asks: bool) {
        let mut shard = self
            .shard(device_id)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = shard.get_mut(device_id) else {
            return;
        };
        entry.wants_attributes |= asks;
        let Some(open) = entry
            .action
            .as_mut()
            .filter(|open| open.action_id == action)
        else {
            return;
        };
        open.fetched |= change.status != DeviceStatus::Released;
        open.state = change.action;
        if change.action == ActionState::Closed {
            entry.action = None;
        }
    }

    /// A device that was awaited came; false where somebody said so before.
    pub fn arrived(&self, device_id: &str) -> bool {
        let mut shard = self
            .shard(device_id)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = shard.get_mut(device_id) else {
            return false;
        };
        let awaited = entry.straggles == Some(Class::Absent);
        if awaited {
            entry.straggles = Some(Class::Arrived);
        }
        awaited
    }

    /// A device is awaited still.
    pub fn not_arrived(&self, device_id: &str) {
        let mut shard = self
            .shard(device_id)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = shard.get_mut(device_id) {
            entry.straggles = Some(Class::Absent);
        }
    }

    /// Devices heard of since this was last asked.
    #[must_use]
    pub fn take_heard(&self) -> Vec<(i64, Timestamp)> {
        let heard = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *heard)
        };
        for (device_id, ..) in &heard {
            let shard = self
                .shard(device_id)
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            shard.get(&**device_id).into_iter().for_each(Entry::flushed);
        }
        heard
            .into_iter()
            .map(|(_, device_key, at)| (device_key, at))
            .collect()
    }

    /// How many devices there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = |shard: &RwLock<HashMap<_, _>>| {
            shard.read().unwrap_or_else(PoisonError::into_inner).len()
        };
        self.shards.iter().map(count).sum()
    }

    /// Whether there is no device.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When a device was last heard of since the start; to the second.
    #[must_use]
    pub fn heard_at(&self, device_id: &str) -> Option<Timestamp> {
        let shard = self
            .shard(device_id)
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let heard = shard.get(device_id)?.last_heard();
        Some(heard).filter(|at| *at > Timestamp::UNIX_EPOCH)
    }

    /// How many devices were heard of at or after this moment.
    #[must_use]
    pub fn heard_since(&self, limit: Timestamp) -> usize {
        let count = |shard: &RwLock<HashMap<Box<str>, Entry>>| {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            shard
                .values()
                .filter(|entry| entry.last_heard() >= limit)
                .count()
        };
        self.shards.iter().map(count).sum()
    }

    fn shard(&self, device_id: &str) -> &RwLock<HashMap<Box<str>, Entry>> {
        // The upper bits: the map inside the shard uses the lower ones.
        let hash = self.hasher.hash_one(device_id) >> 32;
        &self.shards[hash as usize % SHARDS]
    }
}
