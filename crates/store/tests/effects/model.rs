//! What effects and reports mean, device by device, with nothing kept beside the devices: every count is
//! taken anew.

use std::collections::BTreeSet;

use fleetward_core::Timestamp;
use fleetward_core::device::{
    ActionState, AttemptKind, Class, DeviceStatus, FailureKind, Report, Standing,
};
use fleetward_core::engine::{Census, Effect, Order, Recipients, Slot, Tally, UnfetchedFate};
use fleetward_core::ids::ActionId;
use fleetward_core::version::{is_below, stones_to_pass};

use crate::fleet::{IMAGES, Member, NEW, offer};

/// One attempt at a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) id: ActionId,
    pub(crate) kind: AttemptKind,
    pub(crate) state: ActionState,
    pub(crate) staging: bool,
    pub(crate) version: String,
    pub(crate) failure: Option<FailureKind>,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) key: i64,
    pub(crate) wave: u32,
    pub(crate) status: DeviceStatus,
    pub(crate) class: Class,
    pub(crate) failure: Option<FailureKind>,
    pub(crate) failures: u32,
    pub(crate) retry_at: Option<Timestamp>,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) stones_left: usize,
    pub(crate) version: String,
    pub(crate) can_stage: bool,
    pub(crate) quarantined: bool,
    pub(crate) attempts: Vec<Attempt>,
    previous: &'static str,
    domain: Option<&'static str>,
    zone: Option<&'static str>,
    floor: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) devices: Vec<Device>,
    pub(crate) order: Order,
    stones: Vec<String>,
    by_zone: bool,
    zones: BTreeSet<String>,
    offers: u64,
    next_action: u32,
    waves: usize,
    /// The numbers of the devices in the order in which they were chosen, and after them those that join.
    line: Vec<i64>,
}

const UNDER_WAY: [DeviceStatus; 4] = [
    DeviceStatus::Released,
    DeviceStatus::Downloading,
    DeviceStatus::Installing,
    DeviceStatus::Rebooting,
];

impl Device {
    fn slot(&self) -> Slot {
        Slot {
            status: self.status,
            class: self.class,
            failure: self.failure,
        }
    }

    /// Ends what is open for it.
    fn close(&mut self, status: DeviceStatus, failure: Option<FailureKind>) {
        let attempts = self.attempts.iter_mut();
        for attempt in attempts.filter(|attempt| attempt.state != ActionState::Closed) {
            attempt.state = ActionState::Closed;
            attempt.failure = failure;
        }
        self.status = status;
        self.deadline = None;
        self.retry_at = None;
        self.failure = failure;
    }

    fn open(&mut self) -> Option<&mut Attempt> {
        let mut attempts = self.attempts.iter_mut();
        attempts.find(|attempt| attempt.state != ActionState::Closed)
    }

    fn took_it(&self) -> bool {
        matches!(
            self.status,
            DeviceStatus::Succeeded | DeviceStatus::TimedOut
        )
    }
}

impl Model {
    pub(crate) fn new(
        order: &Order,
        stones: &[String],
        by_zone: bool,
        waves: usize,
        members: &[Member],
        line: &[i64],
    ) -> Self {
        let mut model = Self {
            devices: Vec::new(),
            order: order.clone(),
            stones: stones.to_vec(),
            by_zone,
            zones: BTreeSet::new(),
            offers: 0,
            next_action: ActionId::FIRST.0,
            waves,
            line: line.to_vec(),
        };
        for member in members {
            model.add(member, Class::OnTime);
        }
        model
    }

    pub(crate) fn add(&mut self, member: &Member, class: Class) {
        let zone = self.by_zone.then(|| member.zone.unwrap_or(""));
        self.zones.extend(zone.map(str::to_owned));
        let joins = class == Class::Joined;
        if joins {
            self.line.push(self.devices.len() as i64 + 1);
        }
        self.devices.push(Device {
            key: self.devices.len() as i64 + 1,
            wave: if joins {
                self.waves as u32 - 1
            } else {
                member.wave
            },
            status: DeviceStatus::Pending,
            class,
            failure: None,
            failures: 0,
            retry_at: None,
            deadline: None,
            stones_left: stones_to_pass(member.version, &self.stones, NEW),
            version: member.version.to_owned(),
            can_stage: member.can_stage,
            quarantined: false,
            attempts: Vec::new(),
            previous: member.version,
            domain: member.domain,
            zone,
            floor: member.floor,
        });
    }

    pub(crate) fn census(&self) -> Census {
        let mut waves = vec![Tally::default(); self.waves];
        for device in &self.devices {
            waves[device.wave as usize].add(device.slot(), 1);
        }
        Census {
            waves,
            earliest_deadline: self.devices.iter().filter_map(|d| d.deadline).min(),
            next_retry: self.devices.iter().filter_map(|d| d.retry_at).min(),
            offers: self.offers,
            zones: self.zones.iter().cloned().collect(),
        }
    }

    /// The devices whose attempts change, in their order where it counts.
    pub(crate) fn carry_out(&mut self, effect: &Effect, now: Timestamp) -> Vec<i64> {
        match effect {
            Effect::Choose => Vec::new(),
            Effect::Offer { to, at_most, zones } => {
                let able = |device: &Device| match to {
                    Recipients::Waves { through, staging } => {
                        device.class == Class::OnTime
                            && device.wave <= through.0
                            && (device.can_stage || !staging)
                    }
                    Recipients::Stragglers { joined } => {
                        device.class == Class::Arrived || (device.class == Class::Joined && *joined)
                    }
                };
                let waits = |device: &Device| {
                    let due = device.retry_at.is_none_or(|at| at <= now);
                    device.status == DeviceStatus::Pending && due && able(device)
                };
                let staging = matches!(to, Recipients::Waves { staging: true, .. });
                let changed = self.in_turn(*at_most, zones.as_deref(), waits, |model, index| {
                    model.offer(index, staging, now);
                });
                for device in &mut self.devices {
                    device.retry_at = device.retry_at.filter(|at| *at > now);
                }
                changed
            }
            Effect::Switch {
                wave,
                at_most,
                zones,
            } => {
                let filled = |d: &Device| d.status == DeviceStatus::Verifying && d.wave <= wave.0;
                let deadline = self.order.device_timeout.after(now);
                self.in_turn(*at_most, zones.as_deref(), filled, |model, index| {
                    let device = &mut model.devices[index];
                    device.status = DeviceStatus::Installing;
                    device.deadline = Some(deadline);
                    device.open().expect("it fills its slot").staging = false;
                })
            }
            Effect::Expire { unfetched } => self.each(|order, device| {
                let due = device.deadline.is_some_and(|at| at <= now);
                due && expire(device, *unfetched, order, now)
            }),
            Effect::Withdraw => self.each(|_, device| withdraw(device)),
            Effect::WithdrawStragglers => {
                self.each(|_, device| device.class.is_straggler() && withdraw(device))
            }
            Effect::StopInFlight => self.each(|order, device| {
                let deadline = order.device_timeout.after(now);
                if !device.status.in_flight() {
                    return false;
                }
                device.deadline.get_or_insert(deadline);
                let open = device.open().expect("it works on something");
                let asked = open.state == ActionState::Open;
                open.state = ActionState::Cancelling;
                asked
            }),
            Effect::Recall { at_most, deadline } => self.recall(*at_most, *deadline),
        }
    }

    /// The devices of all waves that would be offered the update.
    pub(crate) fn would_offer(&self, now: Timestamp) -> Vec<i64> {
        self.clone().carry_out(&offer(u32::MAX), now)
    }

    fn each(&mut self, mut act: impl FnMut(&Order, &mut Device) -> bool) -> Vec<i64> {
        let (order, devices) = (&self.order, self.devices.iter_mut());
        let changed = devices.filter_map(|device| act(order, device).then_some(device.key));
        changed.collect()
    }

    /// Devices by wave, and in a wave as they were chosen; those that joined came last.
    fn in_line(&self) -> Vec<usize> {
        let mut line: Vec<usize> = self.line.iter().map(|key| *key as usize - 1).collect();
        line.sort_by_key(|&index| self.devices[index].wave);
        line
    }

    fn in_turn(
        &mut self,
        at_most: u64,
        zones: Option<&[String]>,
        may: impl Fn(&Device) -> bool,
        mut act: impl FnMut(&mut Self, usize),
    ) -> Vec<i64> {
        let mut changed = Vec::new();
        for index in self.in_line() {
            let device = &self.devices[index];
            let in_zone =
                zones.is_none_or(|open| open.iter().any(|z| z == device.zone.unwrap_or("")));
            let more = (changed.len() as u64) < at_most;
            if more && may(device) && in_zone && self.has_room(device) {
                changed.push(device.key);
                act(self, index);
            }
        }
        changed
    }

    fn has_room(&self, device: &Device) -> bool {
        let Some((limit, domain)) = self.order.pace.failure_domain.as_ref().zip(device.domain)
        else {
            return true;
        };
        let there: Vec<_> = self
            .devices
            .iter()
            .filter(|d| d.domain == Some(domain))
            .collect();
        let busy = there
            .iter()
            .filter(|d| UNDER_WAY.contains(&d.status))
            .count() as u64;
        busy < limit.max_percentage.of(there.len() as u64)
    }

    fn offer(&mut self, index: usize, staging: bool, now: Timestamp) {
        let deadline = self.order.device_timeout.after(now);
        let device = &mut self.devices[index];
        let on_the_way = self.stones.len() - device.stones_left;
        let version = self.stones.get(on_the_way).map_or(NEW, String::as_str);
        device.attempts.push(Attempt {
            id: ActionId(self.next_action),
            kind: AttemptKind::Deploy,
            state: ActionState::Open,
            staging,
            version: version.to_owned(),
            failure: None,
        });
        device.status = DeviceStatus::Released;
        device.retry_at = None;
        device.deadline = Some(deadline);
        self.next_action += ActionId::STEP;
        self.offers += 1;
    }

    fn recall(&mut self, at_most: u64, deadline: Timestamp) -> Vec<i64> {
        let all = self.order.security_floor.clone();
        for device in self.devices.iter_mut().filter(|device| device.took_it()) {
            let floors = [all.as_deref(), device.floor];
            let mut floors = floors.into_iter().flatten();
            let why = if !IMAGES.contains(&device.previous) {
                FailureKind::NoEarlierImage
            } else if floors.any(|floor| is_below(device.previous, floor)) {
                FailureKind::BelowSecurityFloor
            } else {
                continue;
            };
            device.close(DeviceStatus::RollbackFailed, Some(why));
            device.quarantined = true;
        }
        let mut changed = Vec::new();
        for index in self.in_line() {
            let device = &mut self.devices[index];
            if !device.took_it() || changed.len() as u64 >= at_most {
                continue;
            }
            changed.push(device.key);
            device.close(DeviceStatus::RollingBack, None);
            device.deadline = Some(deadline);
            device.attempts.push(Attempt {
                id: ActionId(self.next_action),
                kind: AttemptKind::Rollback,
                state: ActionState::Open,
                staging: false,
                version: device.previous.to_owned(),
                failure: None,
            });
            self.next_action += ActionId::STEP;
        }
        changed
    }

    /// Applies a report; whether the attempt that it names is known and the report makes sense.
    pub(crate) fn report(
        &mut self,
        key: i64,
        id: ActionId,
        report: Report,
        now: Timestamp,
    ) -> bool {
        let order = self.order.clone();
        let device = &mut self.devices[key as usize - 1];
        let Some(at) = device.attempts.iter().position(|attempt| attempt.id == id) else {
            return false;
        };
        let attempt = device.attempts[at].clone();
        let answers = matches!(report, Report::CancelAccepted | Report::CancelRefused);
        if answers && attempt.state == ActionState::Open {
            return false;
        }
        let standing = Standing {
            status: device.status,
            attempt: attempt.kind,
            action: attempt.state,
            staging: attempt.staging,
            stone: attempt.kind == AttemptKind::Deploy && attempt.version != NEW,
        };
        let change =
            standing
                .apply(report)
                .or_retry(&standing, &order.retries, device.failures + 1);
        let moved = change.status != device.status;
        let fetched = device.status == DeviceStatus::Released && change.status.in_flight();
        let rests = change.status == DeviceStatus::Verifying && standing.staging;
        if moved && (change.status.is_final() || rests || change.status == DeviceStatus::Pending) {
            device.deadline = None;
        } else if fetched {
            device.deadline = Some(order.device_timeout.after(now));
        }
        if moved {
            device.failure = change
                .failure
                .filter(|_| change.status != DeviceStatus::Pending);
            device.retry_at = change.retry_after.map(|wait| wait.after(now));
        }
        device.failures += u32::from(change.failure.is_some());
        device.status = change.status;
        device.can_stage &= !change.hold_back;
        device.stones_left -= usize::from(change.took && standing.stone);
        let stuck = [DeviceStatus::Failed, DeviceStatus::RollbackFailed].contains(&change.status);
        let runs_it = change.took || (change.late && stuck);
        if runs_it && report == Report::Succeeded && !standing.staging {
            device.version.clone_from(&attempt.version);
        }
        match (change.status, attempt.kind) {
            (DeviceStatus::RollbackFailed, _) if moved => device.quarantined = true,
            (DeviceStatus::RolledBack, AttemptKind::Rollback) if change.took => {
                device.quarantined = false;
            }
            (_, _) => {}
        }
        let attempt = &mut device.attempts[at];
        attempt.failure = attempt.failure.or(change.failure);
        attempt.state = change.action;
        true
    }

    pub(crate) fn arrived(&mut self, key: i64) -> bool {
        let device = &mut self.devices[key as usize - 1];
        let awaited = device.class == Class::Absent && device.status == DeviceStatus::Pending;
        if awaited {
            device.class = Class::Arrived;
        }
        awaited
    }

    /// The device moves to another environment.
    pub(crate) fn left(&mut self, key: i64) -> bool {
        let device = &mut self.devices[key as usize - 1];
        let held = matches!(
            device.status,
            DeviceStatus::Pending | DeviceStatus::Released
        );
        if held {
            device.close(DeviceStatus::Cancelled, None);
        }
        held
    }
}

impl Device {
    /// An attempt ended in silence, and no later one in an answer.
    fn is_lost(&self) -> bool {
        let ended = self
            .attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.failure);
        matches!(
            ended,
            Some(FailureKind::TimedOut | FailureKind::UpdatedThenSilent)
        )
    }
}

/// Whether an attempt ended.
fn expire(device: &mut Device, unfetched: UnfetchedFate, order: &Order, now: Timestamp) -> bool {
    match (device.status, unfetched) {
        (DeviceStatus::Released, UnfetchedFate::KeepWaiting) => {
            device.deadline = None;
            return false;
        }
        (DeviceStatus::Released, UnfetchedFate::Late) => {
            device.close(DeviceStatus::Pending, None);
            device.class = Class::Absent;
        }
        (DeviceStatus::Released, UnfetchedFate::Skip) if device.is_lost() => {
            device.failures += 1;
            device.close(DeviceStatus::TimedOut, Some(FailureKind::TimedOut));
        }
        (DeviceStatus::Released, UnfetchedFate::Skip) => {
            device.close(DeviceStatus::Skipped, Some(FailureKind::NeverContacted));
        }
        (DeviceStatus::RollingBack, _) => {
            let why = FailureKind::RollbackTimedOut;
            device.close(DeviceStatus::RollbackFailed, Some(why));
            device.quarantined = true;
        }
        (status, _) => {
            assert!(status.in_flight(), "{status} has a deadline");
            give_up(device, order, now);
        }
    }
    true
}

fn give_up(device: &mut Device, order: &Order, now: Timestamp) {
    let kind = if device.status == DeviceStatus::Rebooting {
        FailureKind::UpdatedThenSilent
    } else {
        FailureKind::TimedOut
    };
    device.failures += 1;
    let open = device.open().expect("it works on something");
    let retry = order
        .retries
        .get(&kind)
        .filter(|_| open.state == ActionState::Open);
    let wait = retry.and_then(|retry| retry.wait_after(device.failures));
    device.close(DeviceStatus::TimedOut, Some(kind));
    if let Some(wait) = wait {
        device.status = DeviceStatus::Pending;
        device.failure = None;
        device.retry_at = Some(wait.after(now));
    }
}

/// Whether the device has to be told.
fn withdraw(device: &mut Device) -> bool {
    let lost = device.is_lost();
    let give_up = |device: &mut Device| {
        device.close(DeviceStatus::Cancelled, None);
        if lost {
            device.status = DeviceStatus::TimedOut;
            device.failure = Some(FailureKind::TimedOut);
        }
    };
    match device.status {
        DeviceStatus::Released => give_up(device),
        DeviceStatus::Pending => {
            give_up(device);
            return device.class.is_straggler();
        }
        DeviceStatus::Downloading
        | DeviceStatus::Installing
        | DeviceStatus::Rebooting
        | DeviceStatus::Verifying
        | DeviceStatus::Succeeded
        | DeviceStatus::Failed
        | DeviceStatus::RollingBack
        | DeviceStatus::RolledBack
        | DeviceStatus::RollbackFailed
        | DeviceStatus::Skipped
        | DeviceStatus::Cancelled
        | DeviceStatus::TimedOut => return false,
    }
    true
}
