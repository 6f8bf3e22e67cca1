//! Imagined devices, and what each effect does to them.

use crate::Timestamp;
use crate::device::{ActionState, AttemptKind, DeviceStatus, Report, Standing};
use crate::engine::{Census, Effect, Order, Tally, UnfetchedFate};
use crate::ids::WaveIndex;
use crate::seconds::Seconds;

/// How a device behaves once it is offered something.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// How long until it comes to fetch; never when absent.
    pub comes_after: Option<Seconds>,
    /// How long it takes from fetching to its result.
    pub takes: Seconds,
    /// Its result for the new version; silence when absent.
    pub result: Option<Report>,
    /// Its result for going back; silence when absent.
    pub back: Option<Report>,
    /// It can fill a slot without switching to it.
    pub can_stage: bool,
    /// It will not stop once it has begun.
    pub refuses_to_stop: bool,
    /// Every report of it comes twice.
    pub reports_twice: bool,
}

/// A report to expect of a device.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// How long from now.
    pub after: Seconds,
    /// The attempt that it names.
    pub attempt: u32,
    /// What it says.
    pub report: Report,
}

/// One imagined device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its wave.
    pub wave: WaveIndex,
    /// Where it stands.
    pub status: DeviceStatus,
    /// It missed its wave's deadline without ever coming.
    pub late: bool,
    /// It runs the new version.
    pub on_new: bool,
    /// How often it was offered the new version.
    pub offers: u32,
    behaviour: Behaviour,
    deadline: Option<Timestamp>,
    kind: AttemptKind,
    action: ActionState,
    attempt: u32,
    /// The attempt that it fetched and did not agree to stop; 0 for none.
    holds: u32,
    staging: bool,
}

/// All imagined devices of a rollout.
#[derive(Clone, Debug)]
pub struct World {
    devices: Vec<Device>,
    waves: usize,
}

impl World {
    /// Devices by wave: one behaviour for each.
    #[must_use]
    pub fn new(waves: &[Vec<Behaviour>]) -> Self {
        let all = waves.iter().enumerate();
        let devices = all.flat_map(|(wave, list)| {
            list.iter()
                .map(move |behaviour| Device::pending(WaveIndex(wave as u32), *behaviour))
        });
        Self {
            devices: devices.collect(),
            waves: waves.len(),
        }
    }

    /// The devices.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The counts that the engine decides on.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut waves = vec![Tally::default(); self.waves];
        for device in &self.devices {
            waves[device.wave.position()].add(device.status, device.late, 1);
        }
        let earliest_deadline = self.devices.iter().filter_map(|d| d.deadline).min();
        Census {
            waves,
            earliest_deadline,
        }
    }

    /// Applies a report of one device.
    pub(super) fn report(&mut self, index: usize, course: Course, order: &Order, now: Timestamp) {
        self.devices[index].report(course, order, now);
    }

    /// Does what an effect asks; says what to expect of which device.
    pub(super) fn carry_out(
        &mut self,
        effect: Effect,
        order: &Order,
        now: Timestamp,
    ) -> Vec<(usize, Vec<Course>)> {
        let each = self.devices.iter_mut().enumerate();
        each.map(|(index, device)| (index, device.carry_out(effect, order, now)))
            .collect()
    }
}

impl Device {
    const fn pending(wave: WaveIndex, behaviour: Behaviour) -> Self {
        Self {
            wave,
            status: DeviceStatus::Pending,
            late: false,
            on_new: false,
            offers: 0,
            behaviour,
            deadline: None,
            kind: AttemptKind::Deploy,
            action: ActionState::Closed,
            attempt: 0,
            holds: 0,
            staging: false,
        }
    }

    fn report(&mut self, course: Course, order: &Order, now: Timestamp) {
        let current = course.attempt == self.attempt;
        if course.report == Report::Retrieved && current && self.action != ActionState::Closed {
            self.holds = course.attempt;
        }
        if self.holds != course.attempt {
            return;
        }
        if course.report == Report::CancelAccepted {
            self.holds = 0;
        }
        let standing = Standing {
            status: self.status,
            attempt: if current {
                self.kind
            } else {
                AttemptKind::Deploy
            },
            action: if current {
                self.action
            } else {
                ActionState::Closed
            },
            staging: self.staging,
        };
        if course.report == Report::Succeeded && !self.staging {
            self.on_new = standing.attempt == AttemptKind::Deploy;
        }
        let change = standing.apply(course.report);
        let fetched = self.status == DeviceStatus::Released && change.status.in_flight();
        self.status = change.status;
        if current {
            self.action = change.action;
        }
        self.behaviour.can_stage &= !change.hold_back;
        let filled = self.status == DeviceStatus::Verifying && self.staging;
        if self.status.is_final() || filled || change.hold_back {
            self.deadline = None;
        } else if fetched {
            self.deadline = Some(order.device_timeout.after(now));
        }
    }

    fn carry_out(&mut self, effect: Effect, order: &Order, now: Timestamp) -> Vec<Course> {
        let here = |wave| self.wave == wave && self.status == DeviceStatus::Pending;
        match effect {
            Effect::Release { wave } if here(wave) => self.offer(false, order, now),
            Effect::Stage { wave } if here(wave) && self.behaviour.can_stage => {
                self.offer(true, order, now)
            }
            Effect::Switch { wave } if self.wave == wave => self.switch(order, now),
            Effect::Release { .. } | Effect::Stage { .. } | Effect::Switch { .. } => Vec::new(),
            Effect::Expire { unfetched } => self.expire(unfetched, now),
            Effect::Withdraw => self.withdraw(),
            Effect::StopInFlight => self.stop(order, now),
            Effect::Recall => self.recall(order, now),
        }
    }

    fn offer(&mut self, staging: bool, order: &Order, now: Timestamp) -> Vec<Course> {
        self.attempt += 1;
        self.offers += 1;
        self.kind = AttemptKind::Deploy;
        self.action = ActionState::Open;
        self.status = DeviceStatus::Released;
        self.staging = staging;
        self.deadline = Some(order.device_timeout.after(now));
        let result = if staging {
            Some(Report::Downloaded)
        } else {
            self.behaviour.result
        };
        self.course(self.behaviour.comes_after, Report::Retrieved, result)
    }

    fn switch(&mut self, order: &Order, now: Timestamp) -> Vec<Course> {
        let was_staging = std::mem::replace(&mut self.staging, false);
        if self.status == DeviceStatus::Pending {
            return self.offer(false, order, now);
        }
        if self.status != DeviceStatus::Verifying || !was_staging {
            return Vec::new();
        }
        self.deadline = Some(order.device_timeout.after(now));
        self.course(Some(Seconds(0)), Report::Rebooting, self.behaviour.result)
    }

    fn expire(&mut self, unfetched: UnfetchedFate, now: Timestamp) -> Vec<Course> {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        self.deadline = None;
        match (self.status, unfetched) {
            (DeviceStatus::Released, UnfetchedFate::KeepWaiting) => {}
            (DeviceStatus::Released, UnfetchedFate::Late) => self.late = true,
            (DeviceStatus::Released, UnfetchedFate::Skip) => self.close(DeviceStatus::Skipped),
            (DeviceStatus::RollingBack, _) => self.close(DeviceStatus::RollbackFailed),
            (status, _) => {
                if status.in_flight() {
                    self.close(DeviceStatus::TimedOut);
                }
            }
        }
        Vec::new()
    }

    fn withdraw(&mut self) -> Vec<Course> {
        if matches!(self.status, DeviceStatus::Pending | DeviceStatus::Released) {
            self.close(DeviceStatus::Cancelled);
        }
        Vec::new()
    }

    fn stop(&mut self, order: &Order, now: Timestamp) -> Vec<Course> {
        if !self.status.in_flight() || self.action != ActionState::Open {
            return Vec::new();
        }
        self.action = ActionState::Cancelling;
        self.deadline.get_or_insert(order.device_timeout.after(now));
        let silent = self.behaviour.result.is_none();
        let answer = if self.behaviour.refuses_to_stop {
            Report::CancelRefused
        } else {
            Report::CancelAccepted
        };
        self.course((!silent).then_some(Seconds(5)), answer, None)
    }

    fn recall(&mut self, order: &Order, now: Timestamp) -> Vec<Course> {
        if !matches!(
            self.status,
            DeviceStatus::Succeeded | DeviceStatus::TimedOut
        ) {
            return Vec::new();
        }
        self.attempt += 1;
        self.kind = AttemptKind::Rollback;
        self.action = ActionState::Open;
        self.status = DeviceStatus::RollingBack;
        self.deadline = Some(order.rollback_timeout.after(now));
        self.course(
            self.behaviour.comes_after,
            Report::Retrieved,
            self.behaviour.back,
        )
    }

    fn close(&mut self, status: DeviceStatus) {
        self.status = status;
        self.action = ActionState::Closed;
        self.deadline = None;
    }

    fn course(&self, start: Option<Seconds>, first: Report, then: Option<Report>) -> Vec<Course> {
        let Some(start) = start else {
            return Vec::new();
        };
        let end = Seconds(start.0 + self.behaviour.takes.0);
        let attempt = self.attempt;
        let mut courses = vec![Course {
            after: start,
            attempt,
            report: first,
        }];
        courses.extend(then.map(|report| Course {
            after: end,
            attempt,
            report,
        }));
        if self.behaviour.reports_twice {
            courses.extend(courses.clone());
        }
        courses
    }
}
