//! Going back: exactly the devices that took the update, each to the version it had. A large rollback
//! is a rollout of its own: a few devices first, then four times as many, and so on.

use super::{Cause, Census, Decision, Effect, Outcome, Phase, Rollout, Step, WayBack};
use crate::Timestamp;
use crate::device::DeviceStatus;
use crate::seconds::Seconds;

/// A rollback of so many devices or fewer goes at once.
const SMALL: u64 = 100;
/// The first portion is one in so many devices.
const FIRST: u64 = 100;
/// Fewest devices in a portion.
const LEAST: u64 = 10;
/// Portions grow by this factor.
const GROWTH: u64 = 4;
/// A portion is given this part of the rollback's time before the next one goes.
const PATIENCE: u32 = 8;
/// So many of a portion may still be on the way when the next one goes: one in five.
const UNRESOLVED: u64 = 5;
/// Fewest answers from which it is concluded that the way back is broken.
const TELLING: u64 = 5;

/// Where the devices of a rollback are.
struct Progress {
    waiting: u64,
    going: u64,
    back: u64,
    stuck: u64,
}

impl Progress {
    fn of(census: &Census) -> Self {
        Self {
            waiting: to_recall(census),
            going: census.count(DeviceStatus::RollingBack),
            back: census.count(DeviceStatus::RolledBack),
            stuck: census.count(DeviceStatus::RollbackFailed),
        }
    }

    const fn total(&self) -> u64 {
        self.waiting + self.going + self.back + self.stuck
    }

    /// The way back harms or strands more devices than it helps.
    const fn is_broken(&self) -> bool {
        self.stuck >= TELLING && self.stuck > self.back
    }
}

impl Rollout {
    pub(super) fn roll_back(&mut self, cause: Cause, census: &Census, now: Timestamp) -> Step {
        let progress = Progress::of(census);
        let decision = Decision::RollbackStarted {
            cause: cause.clone(),
            devices: progress.waiting,
        };
        let mut way = WayBack::default();
        let recall = self.next_portion(&mut way, &progress, now, now);
        self.phase = Phase::RollingBack {
            cause,
            at: now,
            way,
        };
        Step::decided(decision)
            .with([Effect::Withdraw, Effect::StopInFlight])
            .with(recall)
    }

    pub(super) fn continue_rollback(&mut self, census: &Census, now: Timestamp) -> Step {
        let Phase::RollingBack { at, mut way, .. } = self.phase else {
            return Step::default();
        };
        if let Some(step) = stop_again(census) {
            return step;
        }
        let progress = Progress::of(census);
        if progress.waiting == 0 {
            if census.in_flight() > 0 || progress.going > 0 {
                return Step::default();
            }
            return self.back(&progress, now);
        }
        if way.held {
            return Step::default();
        }
        if progress.is_broken() && !way.all_at_once {
            way.held = true;
            self.go_on_back(way);
            return Step::decided(Decision::RollbackHeld {
                rolled_back: progress.back,
                failed: progress.stuck,
            });
        }
        let Some(recall) = self.next_portion(&mut way, &progress, at, now) else {
            return Step::default();
        };
        // The portions of a paced way back were announced with its start.
        let announced = progress.total() > SMALL || self.order.pace.max_in_flight.is_some();
        self.go_on_back(way);
        let step = if !announced {
            Step::decided(Decision::Recalled {
                devices: progress.waiting,
            })
        } else {
            Step::silent()
        };
        step.with([recall])
    }

    fn go_on_back(&mut self, so_far: WayBack) {
        if let Phase::RollingBack { way, .. } = &mut self.phase {
            *way = so_far;
        }
    }

    /// The next devices to go back, once the ones before them are through or have had their time.
    fn next_portion(
        &self,
        way: &mut WayBack,
        progress: &Progress,
        began: Timestamp,
        now: Timestamp,
    ) -> Option<Effect> {
        let at_most = self.portion(*way, progress, now).ok()?;
        way.portions += 1;
        way.told_at = Some(now);
        let half = Seconds(self.order.rollback_timeout.0 / 2);
        let deadline = self
            .order
            .rollback_timeout
            .after(began)
            .max(half.after(now));
        Some(Effect::Recall { at_most, deadline })
    }

    /// How many more may go back now, or when time alone lets more go.
    fn portion(
        &self,
        way: WayBack,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<u64, Option<Timestamp>> {
        let most = self.order.pace.max_in_flight.unwrap_or(u64::MAX).max(1);
        let free = most.saturating_sub(progress.going);
        if progress.waiting == 0 || way.held || free == 0 {
            return Err(None);
        }
        if progress.total() <= SMALL || way.all_at_once {
            return Ok(free);
        }
        let answered = progress.going * UNRESOLVED <= progress.back + progress.stuck;
        let patience = Seconds((self.order.rollback_timeout.0 / PATIENCE).max(1));
        let until = way.told_at.map(|told| patience.after(told));
        if let Some(until) = until.filter(|until| !answered && *until > now) {
            return Err(Some(until));
        }
        let first = (progress.total() / FIRST).max(LEAST);
        Ok(free.min(first.saturating_mul(GROWTH.saturating_pow(way.portions))))
    }

    /// When the next portion goes back though those before it have not answered.
    pub(super) fn next_recall(
        &self,
        way: WayBack,
        census: &Census,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.portion(way, &Progress::of(census), now)
            .err()
            .flatten()
    }

    fn back(&mut self, progress: &Progress, now: Timestamp) -> Step {
        let outcome = if progress.stuck == 0 {
            Outcome::RolledBack
        } else {
            Outcome::RollbackIncomplete
        };
        let mut step = Step::decided(Decision::RollbackFinished {
            rolled_back: progress.back,
            failed: progress.stuck,
        });
        step.decisions.push(self.finish(outcome, now));
        step
    }

    pub(super) fn continue_cancel(&mut self, census: &Census, now: Timestamp) -> Step {
        if let Some(step) = stop_again(census) {
            return step;
        }
        if census.in_flight() > 0 {
            return Step::default();
        }
        Step::decided(self.finish(Outcome::Cancelled, now))
    }
}

/// A device that would not stop and then failed must not wait for an offer that will never come, nor
/// one that would not stop and filled its slot for the switch.
fn stop_again(census: &Census) -> Option<Step> {
    let idle = census.count(DeviceStatus::Pending) + census.count(DeviceStatus::Released);
    if idle > 0 {
        return Some(Step::silent().with([Effect::Withdraw]));
    }
    let rests = census.in_flight() > 0 && census.earliest_deadline.is_none();
    rests.then(|| Step::silent().with([Effect::StopInFlight]))
}

/// Devices that run the update, or that fetched it and were lost.
pub(super) fn to_recall(census: &Census) -> u64 {
    census.count(DeviceStatus::Succeeded) + census.count(DeviceStatus::TimedOut)
}
