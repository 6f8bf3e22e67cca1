//! Devices that came late and devices that joined: judged on their own, and offered the update when
//! they come, within the same limits.

use super::hold::Hold;
use super::offers::Wish;
use super::{Census, Decision, Effect, Outcome, Phase, Recipients, Rollout, Step, Surroundings};
use crate::Timestamp;
use crate::device::DeviceStatus;
use crate::judge::{Boundary, Verdict, judge};

impl Rollout {
    /// Offers the update to devices that came after their wave, also after the end of the rollout.
    pub(super) fn offer_to_stragglers(
        &mut self,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Step {
        if self.phase.is_going_back() {
            return Step::default();
        }
        if self.stragglers_stopped {
            return withdraw_again(census);
        }
        if self.stragglers_fail(census) {
            return self.stop_stragglers(census);
        }
        let Some(wish) = self.wish_for_stragglers() else {
            return Step::default();
        };
        if self.waiting(wish, census) == 0 {
            return Step::default();
        }
        let room = match self.room(wish, census, around, now) {
            Ok(room) => room,
            // Nobody is under way who could settle the doubt.
            Err(Hold::Doubt { numbers }) if numbers.in_flight == 0 => {
                return self.stop_stragglers(census);
            }
            Err(_) => return Step::default(),
        };
        self.note_offer(wish, census, room.zones.as_deref(), now);
        let Wish::Stragglers { joined } = wish else {
            return Step::default();
        };
        Step::silent().with([Effect::Offer {
            to: Recipients::Stragglers { joined },
            at_most: room.at_most,
            zones: room.zones,
        }])
    }

    fn stop_stragglers(&mut self, census: &Census) -> Step {
        self.stragglers_stopped = true;
        let numbers = census.stragglers();
        Step::decided(Decision::StragglersStopped { numbers }).with([Effect::WithdrawStragglers])
    }

    /// Whether a device that joins now is updated too. Before the devices are chosen it is one of them.
    #[must_use]
    pub const fn takes_joiners(&self) -> bool {
        let chosen = !self.waves.is_empty();
        self.order.dynamic && chosen && !self.stragglers_stopped && self.phase.position().is_some()
    }

    /// Late devices get the update as long as the rollout goes forward or has succeeded; devices that
    /// joined have not waited for any wave and come after the last.
    pub(super) fn wish_for_stragglers(&self) -> Option<Wish> {
        match &self.phase {
            Phase::Releasing { .. } => Some(Wish::Stragglers { joined: false }),
            Phase::Observing { wave } => Some(Wish::Stragglers {
                joined: self.next_wave(*wave).is_none(),
            }),
            Phase::Finished {
                outcome: Outcome::Succeeded,
                ..
            } => Some(Wish::Stragglers { joined: true }),
            Phase::Queued
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Halted { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
        }
    }

    /// There is no saying how many will come, so that no share of them is certain: the sequential test
    /// decides where the limit allows it.
    fn stragglers_fail(&self, census: &Census) -> bool {
        let numbers = census.stragglers();
        if numbers.failed == 0 {
            return false;
        }
        match self.order.max_failure_rate.and_then(Boundary::new) {
            Some(boundary) => {
                boundary.verdict(numbers.failed, numbers.judged()) == Some(Verdict::Fail)
            }
            None => judge(&numbers, &self.limits()) == Some(Verdict::Fail),
        }
    }
}

/// Devices that came late or joined after they were stopped get nothing either.
fn withdraw_again(census: &Census) -> Step {
    let idle = [DeviceStatus::Pending, DeviceStatus::Released];
    let waits = |tally: &super::Tally| idle.iter().any(|status| tally.straggling(*status) > 0);
    if census.waves.iter().any(waits) {
        return Step::silent().with([Effect::WithdrawStragglers]);
    }
    Step::default()
}
