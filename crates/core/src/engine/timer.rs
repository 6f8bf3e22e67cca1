//! When a rollout must be looked at again though nothing happens to it.

use super::hold::Hold;
use super::offers::Wish;
use super::{Census, Phase, Rollout, Surroundings};
use crate::Timestamp;
use crate::ids::WaveIndex;

/// What a wake-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A step is due at once.
    Due,
    /// It starts then.
    Start,
    /// Some device reaches its deadline.
    DeviceDeadline,
    /// The wave has been watched long enough.
    WatchOver,
    /// What holds it up ends.
    HoldOver,
    /// The next devices are told to go back.
    NextPortion,
    /// The rollout has taken as long as it may.
    OutOfTime,
}

impl Rollout {
    /// The next moment at which [`Self::handle`] would do something by itself, and why; none when only
    /// an input can move it.
    #[must_use]
    pub fn next_wakeup(
        &self,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Option<(Timestamp, Timer)> {
        let deadline = census
            .earliest_deadline
            .map(|at| (at, Timer::DeviceDeadline));
        let own = match &self.phase {
            Phase::Queued => match (self.starts_at.filter(|at| *at > now), &around.queue) {
                (Some(at), _) => Some((at, Timer::Start)),
                (None, Some(_)) => None,
                (None, None) => Some((Timestamp::MIN, Timer::Due)),
            },
            Phase::Releasing { .. } | Phase::Verifying { .. } => Some(
                self.hold(census, around, now)
                    .map_or((Timestamp::MIN, Timer::Due), |hold| {
                        (hold.until().unwrap_or(Timestamp::MAX), Timer::HoldOver)
                    }),
            ),
            Phase::Observing { wave } => self.waves[wave.position()]
                .settled_at
                .filter(|_| !self.waves[wave.position()].is_behind())
                .map(|settled| (self.order.monitor.after(settled), Timer::WatchOver)),
            Phase::RollingBack { way, .. } => self
                .next_recall(*way, census, now)
                .map(|at| (at, Timer::NextPortion)),
            Phase::Staging { .. }
            | Phase::Halted { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
        };
        let held = self
            .holds(census, around, now)
            .filter_map(|hold| hold.until())
            .map(|at| (at, Timer::HoldOver));
        let zone = self
            .has_waiting(census)
            .then(|| self.next_zone_change(census, now))
            .flatten()
            .map(|at| (at, Timer::HoldOver));
        [deadline, own, zone, self.time_limit()]
            .into_iter()
            .flatten()
            .chain(held)
            .filter(|(at, _)| *at < Timestamp::MAX)
            .min_by_key(|(at, _)| *at)
    }

    /// What keeps the update from the next devices, where they wait for nothing else.
    #[must_use]
    pub fn hold(&self, census: &Census, around: &Surroundings, now: Timestamp) -> Option<Hold> {
        self.holds(census, around, now).next()
    }

    /// The same for the devices of waves alone.
    pub(super) fn hold_of_waves(
        &self,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Option<Hold> {
        let wishes = self.wishes().into_iter().flatten();
        let mut of_waves = wishes.filter(|wish| {
            !matches!(wish, Wish::Stragglers { .. }) && self.is_wanted(*wish, census)
        });
        let start = self.hold_at_start(around, now);
        start.or_else(|| of_waves.find_map(|wish| self.room(wish, census, around, now).err()))
    }

    fn hold_at_start(&self, around: &Surroundings, now: Timestamp) -> Option<Hold> {
        if self.phase != Phase::Queued {
            return None;
        }
        match self.starts_at.filter(|at| *at > now) {
            Some(starts_at) => Some(Hold::Schedule { starts_at }),
            None => around.queue.clone().map(Hold::Queue),
        }
    }

    fn holds<'a>(
        &'a self,
        census: &'a Census,
        around: &'a Surroundings,
        now: Timestamp,
    ) -> impl Iterator<Item = Hold> + 'a {
        let wishes = self.wishes().into_iter().flatten();
        let waiting = wishes.filter(|wish| self.is_wanted(*wish, census));
        self.hold_at_start(around, now)
            .into_iter()
            .chain(waiting.filter_map(move |wish| self.room(wish, census, around, now).err()))
    }

    /// What the rollout would offer next.
    fn wishes(&self) -> [Option<Wish>; 4] {
        let stragglers = self
            .wish_for_stragglers()
            .filter(|_| !self.stragglers_stopped);
        match &self.phase {
            Phase::Releasing { wave } => {
                let devices = self.waves[wave.position()].size;
                let before = wave.0.checked_sub(1).map(WaveIndex);
                let offer = before.map(|wave| Wish::GoOn { wave });
                let switch = before.map(|wave| Wish::Switch { wave });
                [Some(Wish::Open { devices }), offer, switch, stragglers]
            }
            Phase::Staging { wave } => [Some(Wish::GoOn { wave: *wave }), None, None, None],
            Phase::Verifying { wave } => [Some(Wish::Switch { wave: *wave }), None, None, None],
            Phase::Observing { wave } => [
                Some(Wish::GoOn { wave: *wave }),
                Some(Wish::Switch { wave: *wave }),
                stragglers,
                None,
            ],
            Phase::Finished { .. } => [stragglers, None, None, None],
            Phase::Queued
            | Phase::Halted { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. } => [None; 4],
        }
    }

    fn has_waiting(&self, census: &Census) -> bool {
        let mut wishes = self.wishes().into_iter().flatten();
        wishes.any(|wish| self.is_wanted(wish, census))
    }

    /// Whether a device waits for it; a switch also lets devices have it that could not fill a slot.
    fn is_wanted(&self, wish: Wish, census: &Census) -> bool {
        matches!(self.phase, Phase::Verifying { .. }) || self.waiting(wish, census) > 0
    }

    fn time_limit(&self) -> Option<(Timestamp, Timer)> {
        let limit = self.order.deployment_timeout?;
        let halted = matches!(self.phase, Phase::Halted { .. } | Phase::Queued);
        self.phase.position().filter(|_| !halted)?;
        self.started_at
            .map(|started| (limit.after(started), Timer::OutOfTime))
    }
}
