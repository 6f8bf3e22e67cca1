//! What is seen of a running fleet from outside: counts, and one view per device.

use super::Members;
use crate::device::{Device, Phase};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts over all devices and all requests so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetStats {
    /// Devices.
    pub devices: usize,
    /// Devices by the version they run.
    pub by_version: BTreeMap<String, usize>,
    /// Devices by what they are busy with.
    pub by_phase: BTreeMap<Phase, usize>,
    /// Devices that are offline.
    pub offline: usize,
    /// Devices that fell silent.
    pub silent: usize,
    /// Requests sent.
    pub requests: u64,
    /// Requests that failed for now: no connection, 429 or 5xx.
    pub errors: u64,
    /// Requests refused with any other status.
    pub refused: u64,
    /// Answers against the protocol: unusable documents, lengths not announced.
    pub violations: u64,
    /// Bytes of artifacts received.
    pub bytes_downloaded: u64,
    /// Polls answered.
    pub polls: u64,
    /// Reports acknowledged.
    pub acknowledged: u64,
    /// Reports refused for good.
    pub dropped: u64,
    /// Reports still to be sent.
    pub unsent: usize,
    /// Actions offered again after their end had been reported.
    pub offered_again: u64,
}

impl FleetStats {
    pub(super) fn of(members: &Members) -> Self {
        let traffic = &members.client.traffic;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = Self {
            devices: members.len(),
            requests: read(&traffic.requests),
            errors: read(&traffic.errors),
            refused: read(&traffic.refused),
            violations: read(&traffic.violations),
            bytes_downloaded: read(&traffic.bytes_downloaded),
            ..Self::default()
        };
        for index in 0..members.len() {
            stats.add(&members.device(index));
        }
        let in_phase = |phase| stats.by_phase.get(&phase).copied().unwrap_or(0);
        (stats.offline, stats.silent) = (in_phase(Phase::Offline), in_phase(Phase::Silent));
        stats
    }

    fn add(&mut self, device: &Device) {
        match self.by_version.get_mut(device.version()) {
            Some(count) => *count += 1,
            None => drop(self.by_version.insert(device.version().to_owned(), 1)),
        }
        *self.by_phase.entry(device.phase()).or_default() += 1;
        let counters = device.counters();
        self.polls += counters.polls;
        self.acknowledged += counters.acknowledged;
        self.dropped += counters.dropped;
        self.offered_again += counters.offered_again;
        self.unsent += device.unsent();
    }
}

/// One device seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// Name towards the server.
    pub id: String,
    /// The version it runs.
    pub version: String,
    /// The version in its other slot.
    pub other_slot: Option<String>,
    /// What it is busy with.
    pub phase: Phase,
}

impl DeviceView {
    pub(super) fn of(device: &Device) -> Self {
        Self {
            id: device.id().to_owned(),
            version: device.version().to_owned(),
            other_slot: device.other_slot().map(str::to_owned),
            phase: device.phase(),
        }
    }
}
