//! What each effect means, device by device: the reference for what the store does in SQL.

use super::behaviour::Courses;
use super::line::{Obstacle, Turn};
use super::moments::Alarm;
use super::world::{Which, World};
use crate::Timestamp;
use crate::device::{Class, DeviceStatus, FailureKind};
use crate::engine::{Effect, Order, Recipients, UnfetchedFate};
use crate::percent::Percent;

/// Who may be offered something, among those in a line.
#[derive(Clone, Copy)]
struct Filter {
    line: Which,
    staging: bool,
    joined: bool,
    share: Option<Percent>,
}

impl World {
    /// Does what an effect asks; says what to expect of which device.
    pub(super) fn carry_out(
        &mut self,
        effect: &Effect,
        order: &Order,
        now: Timestamp,
        expect: &mut impl FnMut(u32, &Courses),
    ) {
        match effect {
            Effect::Choose => {}
            Effect::Offer { to, at_most, zones } => {
                self.open_zones(zones.as_deref());
                self.offer(*to, *at_most, order, now, expect);
            }
            Effect::Switch {
                wave,
                at_most,
                zones,
            } => {
                self.open_zones(zones.as_deref());
                self.switch(wave.0, *at_most, order, now, expect);
            }
            Effect::Expire { unfetched } => self.expire(*unfetched, order, now),
            Effect::Withdraw => self.withdraw(false),
            Effect::WithdrawStragglers => self.withdraw(true),
            Effect::StopInFlight => {
                for index in 0..self.devices.len() as u32 {
                    let courses = self.change(index, |device| device.stop(order, now));
                    expect(index, &courses);
                }
            }
            Effect::Recall { at_most, deadline } => {
                for index in self.took(usize::try_from(*at_most).unwrap_or(usize::MAX)) {
                    let courses = self.change(index, |device| device.recall(*deadline));
                    expect(index, &courses);
                }
            }
        }
    }

    /// Only devices of these zones may be offered anything now; of any when absent.
    fn open_zones(&mut self, zones: Option<&[String]>) {
        let known = &self.census.zones;
        let open = zones.map(|open| known.iter().map(|zone| open.contains(zone)).collect());
        if open == self.open_zones {
            return;
        }
        self.open_zones = open;
        let open = self.open_zones.as_ref();
        let is_open = |zone: u16| may_go(open, zone);
        self.lines
            .each()
            .for_each(|line| line.hope_for_zones(is_open));
    }

    fn offer(
        &mut self,
        to: Recipients,
        at_most: u64,
        order: &Order,
        now: Timestamp,
        expect: &mut impl FnMut(u32, &Courses),
    ) {
        self.end_waits(now);
        let mut left = at_most;
        match to {
            Recipients::Waves { through, staging } => {
                for wave in 0..=through.0 {
                    let mut filter = Filter::of(Which::Wave(wave), order);
                    filter.staging = staging;
                    while let Some(index) = self.next_of(&mut left, filter) {
                        let courses =
                            self.change(index, |device| device.offer(staging, order, now));
                        expect(index, &courses);
                    }
                }
            }
            Recipients::Stragglers { joined } => {
                let mut filter = Filter::of(Which::Stragglers, order);
                filter.joined = joined;
                while let Some(index) = self.next_of(&mut left, filter) {
                    let courses = self.change(index, |device| device.offer(false, order, now));
                    expect(index, &courses);
                }
            }
        }
        self.census.offers += at_most - left;
    }

    fn switch(
        &mut self,
        last: u32,
        at_most: u64,
        order: &Order,
        now: Timestamp,
        expect: &mut impl FnMut(u32, &Courses),
    ) {
        let mut left = at_most;
        for wave in 0..=last {
            let filter = Filter::of(Which::Staged(wave), order);
            while let Some(index) = self.next_of(&mut left, filter) {
                let courses = self.change(index, |device| device.switch(order, now));
                expect(index, &courses);
            }
        }
    }

    /// The first of a line who may have what it waits for, while anybody may.
    fn next_of(&mut self, left: &mut u64, filter: Filter) -> Option<u32> {
        if *left == 0 {
            return None;
        }
        let mut line = std::mem::take(self.lines.of(filter.line));
        if !filter.staging {
            line.hope(Obstacle::CannotStage);
        }
        if filter.joined {
            line.hope(Obstacle::Joined);
        }
        let next = line.take(|index| self.turn(index, filter));
        *self.lines.of(filter.line) = line;
        *left -= u64::from(next.is_some());
        next
    }

    fn turn(&mut self, index: u32, filter: Filter) -> Turn {
        let device = &self.devices[index as usize];
        let behaviour = &device.behaviour;
        let waits = match filter.line {
            Which::Wave(_) | Which::Stragglers => device.status == DeviceStatus::Pending,
            Which::Staged(_) => device.status == DeviceStatus::Verifying && device.staging,
        };
        if !waits {
            return Turn::Left;
        }
        if filter.staging && !behaviour.can_stage {
            return Turn::No(Obstacle::CannotStage);
        }
        if filter.line == Which::Stragglers && device.class == Class::Joined && !filter.joined {
            return Turn::No(Obstacle::Joined);
        }
        if !may_go(self.open_zones.as_ref(), behaviour.zone) {
            return Turn::No(Obstacle::Zone(behaviour.zone));
        }
        if let (Some(name), Some(share)) = (behaviour.domain, filter.share)
            && let Some(domain) = self.domains.get_mut(&name)
            && !domain.has_room(share)
        {
            domain.await_room(filter.line);
            return Turn::No(Obstacle::Domain(name));
        }
        Turn::Yes
    }

    fn expire(&mut self, unfetched: UnfetchedFate, order: &Order, now: Timestamp) {
        while let Some(devices) = self.deadlines.due(now) {
            for index in devices {
                let device = &self.devices[index as usize];
                if device.deadline.moment().is_some_and(|at| at <= now) {
                    self.expire_one(index, unfetched, order, now);
                }
            }
        }
    }

    fn expire_one(&mut self, index: u32, unfetched: UnfetchedFate, order: &Order, now: Timestamp) {
        self.change(index, |device| {
            device.deadline = Alarm::NONE;
            match (device.status, unfetched) {
                (DeviceStatus::Released, UnfetchedFate::KeepWaiting) => {}
                (DeviceStatus::Released, UnfetchedFate::Late) => {
                    device.close(DeviceStatus::Pending);
                    device.class = Class::Absent;
                }
                (DeviceStatus::Released, UnfetchedFate::Skip) if device.lost => {
                    device.write_off();
                }
                (DeviceStatus::Released, UnfetchedFate::Skip) => {
                    device.close(DeviceStatus::Skipped);
                    device.failure = Some(FailureKind::NeverContacted);
                }
                (DeviceStatus::RollingBack, _) => {
                    device.close(DeviceStatus::RollbackFailed);
                    device.failure = Some(FailureKind::RollbackTimedOut);
                }
                (status, _) => {
                    if status.in_flight() {
                        device.give_up(order, now);
                    }
                }
            }
        });
    }

    fn withdraw(&mut self, stragglers_only: bool) {
        for index in 0..self.devices.len() as u32 {
            let device = &self.devices[index as usize];
            let concerned = !stragglers_only || device.class.is_straggler();
            let idle = matches!(
                device.status,
                DeviceStatus::Pending | DeviceStatus::Released
            );
            if concerned && idle {
                self.change(index, |device| {
                    if device.lost {
                        device.write_off();
                    } else {
                        device.close(DeviceStatus::Cancelled);
                    }
                });
            }
        }
    }
}

impl Filter {
    fn of(line: Which, order: &Order) -> Self {
        let domain = order.pace.failure_domain.as_ref();
        Self {
            line,
            staging: false,
            joined: false,
            share: domain.map(|limit| limit.max_percentage),
        }
    }
}

fn may_go(open_zones: Option<&Vec<bool>>, zone: u16) -> bool {
    open_zones.is_none_or(|open| open.get(usize::from(zone)).is_some_and(|open| *open))
}
