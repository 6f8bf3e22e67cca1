//! All imagined devices, counted and lined up so that nothing costs more than the devices it touches.

use std::collections::{BTreeMap, BTreeSet};

use super::behaviour::{Behaviour, Course};
use super::device::Device;
use super::line::{Line, Obstacle};
use super::moments::{Alarm, Moments};
use crate::Timestamp;
use crate::device::{Class, DeviceStatus};
use crate::engine::{Census, Order, Tally};
use crate::ids::WaveIndex;
use crate::percent::Percent;

/// All imagined devices of a rollout.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) devices: Vec<Device>,
    pub(super) census: Census,
    pub(super) lines: Lines,
    /// Devices that run the new version or may, from the first recall on.
    pub(super) took: Option<BTreeSet<u32>>,
    pub(super) deadlines: Moments,
    pub(super) retries: Moments,
    pub(super) domains: BTreeMap<u32, Domain>,
    /// The zones whose devices may be offered something, as far as that is limited.
    pub(super) open_zones: Option<Vec<bool>>,
    /// Most devices at once that ran the new version or were lost to it.
    most_exposed: u64,
    exposed: u64,
    harmed: u64,
}

/// Devices that wait for something.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// For an offer, by wave.
    pub(super) waves: Vec<Line>,
    /// The same for devices that came late or joined.
    pub(super) stragglers: Line,
    /// For the switch, by wave.
    pub(super) staged: Vec<Line>,
}

/// One of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Wave(u32),
    Stragglers,
    Staged(u32),
}

impl Lines {
    pub(super) fn of(&mut self, which: Which) -> &mut Line {
        match which {
            Which::Wave(wave) => &mut self.waves[wave as usize],
            Which::Stragglers => &mut self.stragglers,
            Which::Staged(wave) => &mut self.staged[wave as usize],
        }
    }

    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Line> {
        let waves = self.waves.iter_mut().chain(&mut self.staged);
        waves.chain(std::iter::once(&mut self.stragglers))
    }
}

/// Devices at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Domain {
    devices: u64,
    busy: u64,
    /// The lines that may have set devices of it aside.
    awaited_by: Vec<Which>,
}

impl Domain {
    pub(super) fn await_room(&mut self, line: Which) {
        if !self.awaited_by.contains(&line) {
            self.awaited_by.push(line);
        }
    }

    pub(super) fn has_room(&self, share: Percent) -> bool {
        self.busy < share.of(self.devices)
    }
}

impl World {
    /// Devices by wave: one behaviour for each.
    #[must_use]
    pub fn new(waves: &[Vec<Behaviour>]) -> Self {
        Self::in_zones(waves, Vec::new())
    }

    /// Devices by wave, each in one of these time zones; an empty name is an unknown zone.
    #[must_use]
    pub fn in_zones(waves: &[Vec<Behaviour>], zones: Vec<String>) -> Self {
        let devices = waves.iter().map(Vec::len).sum();
        let mut world = Self::empty(waves.len(), devices, zones);
        for (wave, list) in waves.iter().enumerate() {
            for behaviour in list {
                world.add(Device::pending(WaveIndex(wave as u32), *behaviour));
            }
        }
        world
    }

    /// Nobody yet, in so many waves.
    pub(super) fn empty(waves: usize, devices: usize, zones: Vec<String>) -> Self {
        Self {
            devices: Vec::with_capacity(devices),
            census: Census {
                waves: vec![Tally::default(); waves],
                zones,
                ..Census::default()
            },
            lines: Lines {
                waves: vec![Line::default(); waves],
                stragglers: Line::default(),
                staged: vec![Line::default(); waves],
            },
            took: None,
            deadlines: Moments::default(),
            retries: Moments::default(),
            domains: BTreeMap::new(),
            open_zones: None,
            most_exposed: 0,
            exposed: 0,
            harmed: 0,
        }
    }

    /// The devices.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The counts that the engine decides on.
    #[must_use]
    pub const fn census(&self) -> &Census {
        &self.census
    }

    /// Most devices at once that ran the new version, were starting into it, or were lost to it.
    #[must_use]
    pub const fn most_exposed(&self) -> u64 {
        self.most_exposed
    }

    /// Devices that failed or were lost, whatever became of them.
    #[must_use]
    pub const fn harmed(&self) -> u64 {
        self.harmed
    }

    /// A device joins while the rollout runs.
    pub(super) fn join(&mut self, behaviour: Behaviour) {
        let last = self.census.waves.len().saturating_sub(1);
        let mut device = Device::pending(WaveIndex(last as u32), behaviour);
        device.class = Class::Joined;
        self.add(device);
    }

    pub(super) fn add(&mut self, device: Device) {
        let index = self.devices.len() as u32;
        let wave = device.wave.position();
        self.census.waves[wave].add(device.slot(), 1);
        if let Some(name) = device.behaviour.domain {
            let domain = self.domains.entry(name).or_default();
            domain.devices += 1;
            let lines = &mut self.lines;
            let hope = |line: &Which| lines.of(*line).hope(Obstacle::Domain(name));
            domain.awaited_by.retain(hope);
        }
        if device.class.is_straggler() {
            self.lines.stragglers.push(index);
        } else {
            self.lines.waves[wave].push(index);
        }
        self.devices.push(device);
    }

    /// Applies a report of one device.
    pub(super) fn report(&mut self, index: u32, course: Course, order: &Order, now: Timestamp) {
        self.change(index, |device| device.report(course, order, now));
    }

    /// Changes one device, and everything that counts or lines it up.
    pub(super) fn change<T>(&mut self, index: u32, change: impl FnOnce(&mut Device) -> T) -> T {
        let device = &mut self.devices[index as usize];
        let (before, busy) = (device.slot(), device.is_under_way());
        let (deadline, retry_at) = (device.deadline, device.retry_at);
        let answer = change(device);
        self.harmed += u64::from(device.is_harmed_now());
        let (after, wave) = (device.slot(), device.wave.position());
        let busy_now = device.is_under_way();
        let (new_deadline, new_retry) = (device.deadline, device.retry_at);
        let domain = device.behaviour.domain.filter(|_| busy != busy_now);
        if before != after {
            self.census.waves[wave].remove(before, 1);
            self.census.waves[wave].add(after, 1);
            self.count_exposed(before.status, after.status);
            let waits = new_retry != Alarm::NONE;
            self.line_up(index, wave, after.status, after.class, waits);
        }
        if let Some(name) = domain {
            self.occupy(name, busy_now);
        }
        if self.deadlines.move_to(index, deadline, new_deadline) {
            self.census.earliest_deadline = self.deadlines.first();
        }
        if self.retries.move_to(index, retry_at, new_retry) {
            self.census.next_retry = self.retries.first();
        }
        answer
    }

    /// A device of a place begins, or is through.
    fn occupy(&mut self, name: u32, begins: bool) {
        let Some(domain) = self.domains.get_mut(&name) else {
            return;
        };
        if begins {
            domain.busy += 1;
            return;
        }
        domain.busy -= 1;
        let lines = &mut self.lines;
        let hope = |line: &Which| lines.of(*line).hope(Obstacle::Domain(name));
        domain.awaited_by.retain(hope);
    }

    fn count_exposed(&mut self, before: DeviceStatus, after: DeviceStatus) {
        let exposed = |status| {
            matches!(
                status,
                DeviceStatus::Rebooting | DeviceStatus::Succeeded | DeviceStatus::TimedOut
            )
        };
        self.exposed = self.exposed + u64::from(exposed(after)) - u64::from(exposed(before));
        self.most_exposed = self.most_exposed.max(self.exposed);
    }

    fn line_up(
        &mut self,
        index: u32,
        wave: usize,
        status: DeviceStatus,
        class: Class,
        waits: bool,
    ) {
        if let Some(took) = &mut self.took {
            if may_run_it(status) {
                took.insert(index);
            } else {
                took.remove(&index);
            }
        }
        let line = match (status, class) {
            (DeviceStatus::Pending, Class::OnTime) => &mut self.lines.waves[wave],
            (DeviceStatus::Pending, Class::Arrived | Class::Joined) => &mut self.lines.stragglers,
            (DeviceStatus::Verifying, _) => &mut self.lines.staged[wave],
            (_, _) => return,
        };
        if waits {
            line.push_until_due(index);
        } else {
            line.push(index);
        }
    }

    /// Devices whose wait for a retry is over may be offered the update like any other.
    pub(super) fn end_waits(&mut self, now: Timestamp) {
        while let Some(devices) = self.retries.due(now) {
            for index in devices {
                let device = &self.devices[index as usize];
                let due = device.retry_at.moment().is_some_and(|at| at <= now);
                if !due {
                    continue;
                }
                let wave = device.wave.position();
                let straggler = device.class.is_straggler();
                self.change(index, |device| device.retry_at = Alarm::NONE);
                let line = if straggler {
                    &mut self.lines.stragglers
                } else {
                    &mut self.lines.waves[wave]
                };
                line.is_due(index);
            }
        }
    }

    /// The first devices that took the update, or may have.
    pub(super) fn took(&mut self, most: usize) -> Vec<u32> {
        let devices = self.devices.iter().enumerate();
        let took = self.took.get_or_insert_with(|| {
            let took = devices.filter(|(_, device)| may_run_it(device.status));
            took.map(|(index, _)| index as u32).collect()
        });
        took.iter().take(most).copied().collect()
    }
}

const fn may_run_it(status: DeviceStatus) -> bool {
    matches!(status, DeviceStatus::Succeeded | DeviceStatus::TimedOut)
}
