//! When each wave of a plan comes and goes if every device takes the update.
//!
//! A wave opens when the one before it has passed and a window is open. Its devices are released as
//! the pace allows, each is through after the same time, and the wave has passed when it was watched
//! for `monitor_seconds`. When windows close, the rest of a wave waits for the next opening. Windows do
//! not hold an emergency; freezes do.
//!
//! Not foreseen: devices that are offline, fail or try again, stepping stones, people who are asked,
//! `failure_domain` and `blast_radius`.

use std::collections::VecDeque;

use serde::Serialize;

use super::gates::{Gates, whole_second};
use crate::Timestamp;
use crate::calendar::{Calendar, Freeze};
use crate::ids::WaveIndex;
use crate::plan::Plan;
use crate::seconds::Seconds;

/// How long a device takes when nothing is known of it: to poll, download, install and start anew.
pub const DEVICE_SECONDS: Seconds = Seconds(600);

/// How far is looked ahead.
const HORIZON: i64 = 10 * 366 * 86_400;

/// Most releases and waits that are followed: more than one a minute up to the horizon.
const MOST_STEPS: u64 = 6_000_000;

/// What a timetable rests on beside the plan.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// When the plan is executed.
    pub start: Timestamp,
    /// The environment's windows.
    pub calendar: &'a Calendar,
    /// Times in which nothing is released.
    pub freezes: &'a [Freeze],
    /// How long a device takes from the offer until it is through, [`DEVICE_SECONDS`] when unknown. It is
    /// taken twice where devices fill a slot first and switch later.
    pub device_takes: Seconds,
    /// How many devices are in which zone; none is a zone that is not known. Only the proportions
    /// count, and only where windows are read on the devices' own clocks.
    pub zones: &'a [(Option<String>, u64)],
}

/// When a rollout does what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timetable {
    /// When it starts.
    pub starts_at: Timestamp,
    /// The waves that pass within ten years.
    pub waves: Vec<WaveTime>,
    /// When the last wave has passed; none when that is not within ten years.
    pub ends_at: Option<Timestamp>,
}

/// When a wave does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WaveTime {
    /// Which.
    pub wave: WaveIndex,
    /// Its devices.
    pub size: u64,
    /// The wave before it has passed and some of its devices may be released.
    pub opens_at: Timestamp,
    /// Its last device is offered the update.
    pub released_by: Timestamp,
    /// Its last device is through.
    pub settled_by: Timestamp,
    /// It has been watched long enough.
    pub passes_at: Timestamp,
    /// Some of its devices waited for a window or the end of a freeze.
    pub held_by_window: bool,
}

impl Timetable {
    /// Seconds from the start to the end; none when there is no end.
    #[must_use]
    pub fn takes(&self) -> Option<u64> {
        let seconds = self.ends_at?.duration_since(self.starts_at).as_secs();
        Some(seconds.unsigned_abs())
    }
}

/// When each wave comes. Costs a step for each batch that the pace lets go, one a minute at most where
/// only a rate limits it, and gives up after ten years of the rollout.
#[must_use]
pub fn timetable(plan: &Plan, sizes: &[u64], circumstances: &Circumstances<'_>) -> Timetable {
    let mut run = Run::new(plan, circumstances);
    let mut waves = Vec::with_capacity(sizes.len());
    for (index, &size) in sizes.iter().enumerate() {
        let wave = WaveIndex(u32::try_from(index).unwrap_or(u32::MAX));
        let Some(time) = run.wave(wave, size) else {
            break;
        };
        waves.push(time);
    }
    let ends_at = (waves.len() == sizes.len()).then(|| {
        waves
            .last()
            .map_or(circumstances.start, |last| last.passes_at)
    });
    Timetable {
        starts_at: circumstances.start,
        waves,
        ends_at,
    }
}

/// A rollout on its way through time, in seconds since 1970.
struct Run<'a> {
    plan: &'a Plan,
    device_takes: i64,
    gates: Gates<'a>,
    now: i64,
    horizon: i64,
    steps_left: u64,
    notified: u64,
    succeeded: u64,
    /// Devices that are not through, by the second in which they will be.
    under_way: VecDeque<(i64, u64)>,
    in_flight: u64,
    /// The offers of the last minute, by the second in which they cease to count.
    recent: VecDeque<(i64, u64)>,
    in_minute: u64,
    /// Offers a minute when that was last looked at.
    rate: u64,
}

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, circumstances: &'a Circumstances<'a>) -> Self {
        let now = whole_second(circumstances.start);
        Self {
            plan,
            device_takes: i64::from(circumstances.device_takes.0),
            gates: Gates::new(circumstances, plan.emergency, now),
            now,
            horizon: now.saturating_add(HORIZON),
            steps_left: MOST_STEPS,
            notified: 0,
            succeeded: 0,
            under_way: VecDeque::new(),
            in_flight: 0,
            recent: VecDeque::new(),
            in_minute: 0,
            rate: 0,
        }
    }

    /// One wave from its opening to its end; none when the end is out of sight.
    fn wave(&mut self, wave: WaveIndex, size: u64) -> Option<WaveTime> {
        self.gates.wait_for(size);
        let mut held = size > 0 && self.wait_for_gate()?;
        let opens_at = moment(self.now)?;
        held |= self.release(size)?;
        let released_by = moment(self.now)?;
        self.settle()?;
        if self.plan.strategy.stages() {
            self.gates.wait_for(size);
            held |= self.switch(size)?;
        }
        let settled_by = moment(self.now)?;
        self.go_to(self.now + i64::from(self.plan.monitor_seconds.0))?;
        Some(WaveTime {
            wave,
            size,
            opens_at,
            released_by,
            settled_by,
            passes_at: moment(self.now)?,
            held_by_window: held,
        })
    }

    /// Waits until a device may be released; whether that took time.
    fn wait_for_gate(&mut self) -> Option<bool> {
        let asked = self.now;
        while !self.gates.any_ready() {
            self.go_to(self.gates.next_change()?)?;
        }
        Some(self.now > asked)
    }

    /// Releases the waiting devices as the pace allows; whether a gate held some of them.
    fn release(&mut self, size: u64) -> Option<bool> {
        let (mut left, mut held) = (size, false);
        while left > 0 {
            let room = self.room();
            let sent = self.gates.release(room);
            if sent > 0 {
                self.send(sent);
                left -= sent;
            } else if room > 0 {
                held |= self.wait_for_gate()?;
            } else {
                self.go_to(self.next_room()?)?;
            }
        }
        Some(held)
    }

    /// Has filled slots switch, which no pace limits, and waits until the last device did.
    fn switch(&mut self, size: u64) -> Option<bool> {
        let (mut left, mut held) = (size, false);
        while left > 0 {
            held |= self.wait_for_gate()?;
            left -= self.gates.release(left);
        }
        self.go_to(self.now + self.device_takes)?;
        Some(held)
    }

    /// Waits until nothing is under way.
    fn settle(&mut self) -> Option<()> {
        let last = self.under_way.back().map(|(at, _)| *at);
        last.map_or(Some(()), |at| self.go_to(at))
    }

    /// How many devices the pace allows now.
    fn room(&mut self) -> u64 {
        let pace = &self.plan.pace;
        let slots = pace.max_in_flight.map_or(u64::MAX, |most| most.max(1));
        let slots = slots.saturating_sub(self.in_flight);
        let Some(rate) = &pace.rate else {
            return slots;
        };
        // Rates only grow, so that an old one that suffices needs no new one, which may take long to find.
        if slots > self.rate.saturating_sub(self.in_minute) {
            self.rate = rate.at(self.notified, self.succeeded).max(1);
        }
        slots.min(self.rate.saturating_sub(self.in_minute))
    }

    /// When there will be room again.
    fn next_room(&self) -> Option<i64> {
        let most = self.plan.pace.max_in_flight;
        let full = most.is_some_and(|most| self.in_flight >= most.max(1));
        let queue = if full { &self.under_way } else { &self.recent };
        queue.front().map(|(at, _)| *at)
    }

    fn send(&mut self, devices: u64) {
        self.notified += devices;
        self.in_flight += devices;
        self.in_minute += devices;
        push(&mut self.under_way, self.now + self.device_takes, devices);
        push(&mut self.recent, self.now + 60, devices);
    }

    /// Lets time pass; none when it is out of sight.
    fn go_to(&mut self, at: i64) -> Option<()> {
        self.steps_left = self.steps_left.checked_sub(1)?;
        self.now = at.max(self.now);
        let through = drain(&mut self.under_way, self.now);
        self.in_flight -= through;
        self.succeeded += through;
        self.in_minute -= drain(&mut self.recent, self.now);
        self.gates.look(self.now);
        (self.now <= self.horizon).then_some(())
    }
}

fn push(queue: &mut VecDeque<(i64, u64)>, at: i64, devices: u64) {
    match queue.back_mut() {
        Some((last, count)) if *last == at => *count += devices,
        Some(_) | None => queue.push_back((at, devices)),
    }
}

fn drain(queue: &mut VecDeque<(i64, u64)>, now: i64) -> u64 {
    let mut sum = 0;
    while let Some((_, devices)) = queue.pop_front_if(|(at, _)| *at <= now) {
        sum += devices;
    }
    sum
}

fn moment(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

#[cfg(test)]
mod tests;
