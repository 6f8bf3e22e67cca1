//! The counts that the engine decides on.

use crate::Timestamp;
use crate::device::DeviceStatus;
use crate::judge::Numbers;

/// How many devices of one wave have each status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    on_time: [u64; DeviceStatus::ALL.len()],
    late: [u64; DeviceStatus::ALL.len()],
}

/// The counts of every wave, and the next deadline of any device.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Census {
    /// One tally a wave, in order.
    pub waves: Vec<Tally>,
    /// The earliest deadline among devices that have one.
    pub earliest_deadline: Option<Timestamp>,
}

impl Tally {
    /// Adds devices; `late` ones missed their wave's deadline without ever coming.
    pub const fn add(&mut self, status: DeviceStatus, late: bool, devices: u64) {
        let row = if late {
            &mut self.late
        } else {
            &mut self.on_time
        };
        row[status.index()] += devices;
    }

    /// Devices with this status, late ones included.
    #[must_use]
    pub const fn count(&self, status: DeviceStatus) -> u64 {
        self.on_time[status.index()] + self.late[status.index()]
    }

    const fn punctual(&self, status: DeviceStatus) -> u64 {
        self.on_time[status.index()]
    }

    /// All devices of the wave.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.on_time.iter().chain(&self.late).sum()
    }

    /// Devices that missed the wave's deadline without ever coming, whatever became of them.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late.iter().sum()
    }

    /// Devices that the server offered the update and that are not through, late ones left out.
    #[must_use]
    pub fn awaited(&self) -> u64 {
        DeviceStatus::ALL
            .into_iter()
            .filter(|s| *s == DeviceStatus::Released || s.in_flight())
            .map(|s| self.punctual(s))
            .sum()
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

    /// Failures that count: late devices are judged on their own.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.punctual(DeviceStatus::Failed) + self.punctual(DeviceStatus::TimedOut)
    }

    /// The numbers of a wave whose devices update.
    #[must_use]
    pub fn deployed(&self, size: u64, accepted: u64) -> Numbers {
        let succeeded = self.punctual(DeviceStatus::Succeeded);
        let in_flight = self.awaited();
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
        let size = self.size() - self.punctual(DeviceStatus::Pending);
        Numbers {
            size,
            succeeded: staged,
            failed: failed.saturating_sub(accepted),
            in_flight,
            not_judged: size.saturating_sub(staged + in_flight + failed),
        }
    }
}

impl Census {
    /// Devices with this status in all waves.
    #[must_use]
    pub fn count(&self, status: DeviceStatus) -> u64 {
        self.waves.iter().map(|tally| tally.count(status)).sum()
    }

    /// Devices that fetched the update and are not through, in all waves.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.waves.iter().map(Tally::in_flight).sum()
    }
}
