//! The counts that the engine decides on.

use crate::Timestamp;
use crate::device::{Class, DeviceStatus, FailureKind};
use crate::judge::Numbers;

const STATUSES: usize = DeviceStatus::ALL.len();
const CLASSES: usize = Class::ALL.len();
const KINDS: usize = FailureKind::ALL.len();

/// How many devices of one wave have each status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    counts: [[u64; STATUSES]; CLASSES],
    failures: [u64; KINDS],
    /// Devices that came late or joined.
    stragglers: u64,
}

/// The counts of every wave, and what else is known of all devices together.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Census {
    /// One tally a wave, in order.
    pub waves: Vec<Tally>,
    /// The earliest deadline among devices that have one.
    pub earliest_deadline: Option<Timestamp>,
    /// The earliest moment at which a device that failed may be offered the update again.
    pub next_retry: Option<Timestamp>,
    /// How often the update was offered to a device; never falls.
    pub offers: u64,
    /// The time zones of the devices, where windows are in each device's own; empty for unknown.
    pub zones: Vec<String>,
}

/// Where a device is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Its status.
    pub status: DeviceStatus,
    /// How it belongs to the execution.
    pub class: Class,
    /// How it failed, where it did.
    pub failure: Option<FailureKind>,
}

impl Slot {
    /// A device that did not fail.
    #[must_use]
    pub const fn new(status: DeviceStatus, class: Class) -> Self {
        Self {
            status,
            class,
            failure: None,
        }
    }
}

impl Tally {
    /// Adds devices.
    pub fn add(&mut self, slot: Slot, devices: u64) {
        self.counts[slot.class.index()][slot.status.index()] += devices;
        if slot.class.is_straggler() {
            self.stragglers += devices;
        }
        if let Some(kind) = slot.counted_failure() {
            self.failures[kind.index()] += devices;
        }
    }

    /// Takes devices away.
    pub fn remove(&mut self, slot: Slot, devices: u64) {
        self.counts[slot.class.index()][slot.status.index()] -= devices;
        if slot.class.is_straggler() {
            self.stragglers -= devices;
        }
        if let Some(kind) = slot.counted_failure() {
            self.failures[kind.index()] -= devices;
        }
    }

    /// Devices with this status, of every class.
    #[must_use]
    pub fn count(&self, status: DeviceStatus) -> u64 {
        self.counts.iter().map(|row| row[status.index()]).sum()
    }

    /// Devices of one class with this status.
    #[must_use]
    pub const fn of(&self, class: Class, status: DeviceStatus) -> u64 {
        self.counts[class.index()][status.index()]
    }

    const fn punctual(&self, status: DeviceStatus) -> u64 {
        self.of(Class::OnTime, status)
    }

    /// All devices of the wave, stragglers and joiners too.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Devices that missed the wave without ever coming, whatever became of them.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.class(Class::Absent) + self.class(Class::Arrived)
    }

    /// Devices that joined after the others were chosen.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.class(Class::Joined)
    }

    fn class(&self, class: Class) -> u64 {
        self.counts[class.index()].iter().sum()
    }

    /// Devices that hold an offer or have fetched the update, and are not through; late ones left out.
    #[must_use]
    pub fn awaited(&self) -> u64 {
        DeviceStatus::ALL
            .into_iter()
            .filter(|s| *s == DeviceStatus::Released || s.in_flight())
            .map(|s| self.punctual(s))
            .sum()
    }

    /// Devices that wait for the update or are not through with it; late ones left out.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.punctual(DeviceStatus::Pending) + self.awaited()
    }

    /// Devices that fetched the update and are not through, late ones too.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        DeviceStatus::ALL
            .into_iter()
            .filter(|s| s.in_flight())
            .map(|s| self.count(s))
            .sum()
    }

    /// Devices of every class that hold an offer or work on it. One that filled its slot rests until
    /// the switch and is no part of it.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.count(DeviceStatus::Released) + self.in_flight() - self.count(DeviceStatus::Verifying)
    }

    /// Failures that count: late devices are judged on their own.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.punctual(DeviceStatus::Failed) + self.punctual(DeviceStatus::TimedOut)
    }

    /// Failures of one kind among devices that count. Devices that never came are counted as such,
    /// whether they were left out or still get the update when they come.
    #[must_use]
    pub fn failed_so(&self, kind: FailureKind) -> u64 {
        let absent = match kind {
            FailureKind::NeverContacted => self.of(Class::Absent, DeviceStatus::Pending),
            FailureKind::InstallFailed
            | FailureKind::RolledBackOnDevice
            | FailureKind::UpdatedThenSilent
            | FailureKind::TimedOut
            | FailureKind::RollbackFailed
            | FailureKind::RollbackTimedOut
            | FailureKind::NoEarlierImage
            | FailureKind::BelowSecurityFloor => 0,
        };
        self.failures[kind.index()] + absent
    }

    /// The numbers of a wave whose devices update.
    #[must_use]
    pub fn deployed(&self, size: u64, accepted: u64) -> Numbers {
        let succeeded = self.punctual(DeviceStatus::Succeeded);
        let in_flight = self.open();
        let failed = self.failed();
        Numbers {
            size,
            succeeded,
            failed: failed.saturating_sub(accepted),
            in_flight,
            not_judged: size.saturating_sub(succeeded + in_flight + failed),
        }
    }

    /// The numbers of a wave whose devices fill their inactive slot. Devices that can't are held back
    /// (pending) and are no part of it.
    #[must_use]
    pub fn staged(&self, accepted: u64) -> Numbers {
        let staged = self.punctual(DeviceStatus::Verifying);
        let in_flight = self.awaited() - staged;
        let failed = self.failed();
        let known: u64 = self.counts[Class::OnTime.index()].iter().sum();
        let size = known + self.late() - self.punctual(DeviceStatus::Pending);
        Numbers {
            size,
            succeeded: staged,
            failed: failed.saturating_sub(accepted),
            in_flight,
            not_judged: size.saturating_sub(staged + in_flight + failed),
        }
    }

    /// Devices of an unproven wave that run the update, may run it, or may yet take it.
    #[must_use]
    pub fn exposed(&self) -> u64 {
        DeviceStatus::ALL
            .into_iter()
            .filter(|status| !status.runs_the_earlier_version())
            .map(|status| self.punctual(status))
            .sum()
    }

    pub(super) fn straggling(&self, status: DeviceStatus) -> u64 {
        self.count(status) - self.punctual(status)
    }

    /// Devices that were late or joined, and that hold an offer or have taken it.
    #[must_use]
    pub fn stragglers(&self) -> Numbers {
        if self.stragglers == 0 {
            return Numbers::default();
        }
        let succeeded = self.straggling(DeviceStatus::Succeeded);
        let failed =
            self.straggling(DeviceStatus::Failed) + self.straggling(DeviceStatus::TimedOut);
        let in_flight = self.under_way_late();
        Numbers {
            size: succeeded + failed + in_flight,
            succeeded,
            failed,
            in_flight,
            not_judged: 0,
        }
    }

    /// Late and joined devices that hold an offer or work on it.
    #[must_use]
    pub fn under_way_late(&self) -> u64 {
        DeviceStatus::ALL
            .into_iter()
            .filter(|s| *s == DeviceStatus::Released || s.in_flight())
            .map(|s| self.straggling(s))
            .sum()
    }
}

impl Slot {
    const fn counted_failure(self) -> Option<FailureKind> {
        match self.class {
            Class::OnTime => self.failure,
            Class::Absent | Class::Arrived | Class::Joined => None,
        }
    }
}

impl Census {
    /// Devices with this status in all waves.
    #[must_use]
    pub fn count(&self, status: DeviceStatus) -> u64 {
        self.waves.iter().map(|tally| tally.count(status)).sum()
    }

    /// Devices of one class with this status, in all waves.
    #[must_use]
    pub fn of(&self, class: Class, status: DeviceStatus) -> u64 {
        self.waves.iter().map(|tally| tally.of(class, status)).sum()
    }

    /// Devices that fetched the update and are not through, in all waves.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.waves.iter().map(Tally::in_flight).sum()
    }

    /// Devices that hold an offer or work on it, in all waves.
    #[must_use]
    pub fn under_way(&self) -> u64 {
        self.waves.iter().map(Tally::under_way).sum()
    }

    /// What is known of late and joined devices.
    #[must_use]
    pub fn stragglers(&self) -> Numbers {
        self.waves
            .iter()
            .map(Tally::stragglers)
            .fold(Numbers::default(), |sum, one| sum + one)
    }
}
