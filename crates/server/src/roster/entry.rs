//! One device in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use fleetward_core::Timestamp;
use fleetward_core::device::Class;
use fleetward_store::actions::{OpenAction, RosterRow};

/// What is kept of a device. A million of these are held, so it is small.
#[derive(Debug)]
pub struct Entry {
    pub(super) device_key: i64,
    pub(super) environment: u16,
    pub(super) wants_attributes: bool,
    pub(super) straggles: Option<Class>,
    pub(super) action: Option<OpenAction>,
    token_hash: Option<[u8; 32]>,
    last_heard: AtomicU32,
    unflushed: AtomicBool,
}

/// What is known of a device, copied out.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its number in the database.
    pub device_key: i64,
    /// The environment it is in.
    pub environment: Arc<str>,
    /// SHA-256 of its token.
    pub token_hash: Option<[u8; 32]>,
    /// Its attributes are wanted.
    pub wants_attributes: bool,
    /// An execution has the update for it once it comes, or has come and waits for an offer.
    pub straggles: Option<Class>,
    /// What is open for it.
    pub action: Option<OpenAction>,
}

impl Entry {
    pub(super) fn new(row: &RosterRow, environment: u16) -> Self {
        Self {
            device_key: row.device_key,
            environment,
            wants_attributes: row.wants_attributes,
            straggles: row.straggles,
            action: row.action,
            token_hash: row.token_hash,
            last_heard: AtomicU32::new(0),
            unflushed: AtomicBool::new(false),
        }
    }

    pub(super) const fn update(&mut self, row: &RosterRow, environment: u16) {
        self.device_key = row.device_key;
        self.environment = environment;
        self.wants_attributes = row.wants_attributes;
        self.straggles = row.straggles;
        self.action = row.action;
        self.token_hash = row.token_hash;
    }

    /// Notes that the device was heard of; true the first time since the last flush.
    pub(super) fn hear(&self, now: Timestamp) -> bool {
        let seconds = u32::try_from(now.as_second()).unwrap_or(u32::MAX);
        self.last_heard.store(seconds, Ordering::Relaxed);
        !self.unflushed.load(Ordering::Relaxed) && !self.unflushed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn flushed(&self) {
        self.unflushed.store(false, Ordering::Relaxed);
    }

    pub(super) fn last_heard(&self) -> Timestamp {
        let seconds = i64::from(self.last_heard.load(Ordering::Relaxed));
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MIN)
    }

    pub(super) const fn known(&self, environment: Arc<str>) -> Known {
        Known {
            device_key: self.device_key,
            environment,
            token_hash: self.token_hash,
            wants_attributes: self.wants_attributes,
            straggles: self.straggles,
            action: self.action,
        }
    }
}
