//! The way forward: starting, opening a wave, filling slots, switching, watching, going on.

use super::hold::Hold;
use super::offers::Wish;
use super::{
    Census, Decision, Effect, HaltReason, Outcome, Phase, Position, Recipients, Rollout, Step,
    Surroundings,
};
use crate::Timestamp;
use crate::device::{Class, DeviceStatus};
use crate::ids::WaveIndex;
use crate::judge::Verdict;

impl Rollout {
    pub(super) fn start(&mut self, around: &Surroundings, now: Timestamp) -> Step {
        if self.starts_at.is_some_and(|at| at > now) || around.queue.is_some() {
            return Step::default();
        }
        if self.waves.is_empty() {
            return Step::silent().with([Effect::Choose]);
        }
        self.begin(now)
    }

    pub(super) fn chosen(&mut self, sizes: &[u64], matching: u64, now: Timestamp) -> Step {
        if self.phase != Phase::Queued || !self.waves.is_empty() {
            return Step::default();
        }
        if let Some(approved) = self.may_match.filter(|approved| matching > *approved) {
            let reason = HaltReason::TargetsGrew { approved, matching };
            return Step::decided(self.halt(reason, Position::Queued, now));
        }
        self.cut(sizes);
        if sizes.is_empty() {
            return Step::decided(self.finish(Outcome::NoDevices, now));
        }
        self.begin(now)
    }

    fn begin(&mut self, now: Timestamp) -> Step {
        self.started_at = Some(now);
        self.phase = Phase::Releasing { wave: WaveIndex(0) };
        Step::decided(Decision::Started {
            devices: self.waves.iter().map(|wave| wave.size).sum(),
            waves: self.waves.len() as u64,
        })
    }

    pub(super) fn open(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Step {
        let devices = self.waves[wave.position()].size;
        if let Some(step) = self.go_on_before(wave, census, around, now) {
            return step;
        }
        let room = match self.room(Wish::Open { devices }, census, around, now) {
            Ok(room) => room,
            Err(Hold::BlastRadius { .. }) => {
                return self.settle_blast_radius(wave, census, around, now);
            }
            Err(_) => return Step::default(),
        };
        self.note_offer(Wish::Open { devices }, census, room.zones.as_deref(), now);
        let this = &mut self.waves[wave.position()];
        this.released_at = Some(now);
        let staging = this.staged;
        let offer = Effect::Offer {
            to: Recipients::Waves {
                through: wave,
                staging,
            },
            at_most: room.at_most,
            zones: room.zones,
        };
        if staging {
            self.phase = Phase::Staging { wave };
            return Step::decided(Decision::Staged { wave, devices }).with([offer]);
        }
        self.phase = Phase::Observing { wave };
        Step::decided(Decision::Released { wave, devices }).with([offer])
    }

    /// While a wave waits to be opened, devices of the waves before it may still wait for a retry or for
    /// the switch.
    fn go_on_before(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Option<Step> {
        let before = WaveIndex(wave.0.checked_sub(1)?);
        let step = self.switch_on(before, census, around, now).ok();
        step.or_else(|| self.offer_on(before, census, around, now).ok())
    }

    /// Offers the update to further devices of the open waves; says what holds it up, or that nobody
    /// waits.
    fn offer_on(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Result<Step, Option<Hold>> {
        let wish = Wish::GoOn { wave };
        if self.waiting(wish, census) == 0 {
            return Err(None);
        }
        let room = self.room(wish, census, around, now).map_err(Some)?;
        self.note_offer(wish, census, room.zones.as_deref(), now);
        let this = &self.waves[wave.position()];
        Ok(Step::silent().with([Effect::Offer {
            to: Recipients::Waves {
                through: wave,
                staging: this.staged && this.switched_at.is_none(),
            },
            at_most: room.at_most,
            zones: room.zones,
        }]))
    }

    pub(super) fn staged(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Step {
        let held = match self.offer_on(wave, census, around, now) {
            Ok(step) => return step,
            Err(hold) => hold,
        };
        // Those who can't fill a slot are left when nobody else is found and nobody is under way.
        let tally = &census.waves[wave.position()];
        let all_tried = match held {
            None => true,
            Some(Hold::Spread { .. }) => {
                census.next_retry.is_none() && self.all_zones_tried(census)
            }
            Some(Hold::Doubt { .. }) => return self.settle_doubt(wave, census, now),
            Some(_) => false,
        };
        if !all_tried || tally.under_way() > 0 {
            return Step::default();
        }
        let numbers = self.numbers(wave, census);
        match self.judge(wave, &numbers, census) {
            None | Some(Verdict::Fail) => Step::default(),
            Some(Verdict::Pass) => {
                self.phase = Phase::Verifying { wave };
                let held_back = tally.of(Class::OnTime, DeviceStatus::Pending);
                Step::decided(Decision::SlotsFilled {
                    wave,
                    numbers,
                    held_back,
                })
            }
            Some(Verdict::Inconclusive) => {
                let next = Position::Verifying { wave };
                self.inconclusive(wave, numbers, next, census, now)
            }
        }
    }

    pub(super) fn switch(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Step {
        let wish = Wish::Switch { wave };
        let room = match self.room(wish, census, around, now) {
            Ok(room) => room,
            Err(Hold::Doubt { .. }) => return self.settle_doubt(wave, census, now),
            Err(_) => return Step::default(),
        };
        // Devices that can only switch are offered it from now on.
        self.offers.forget_tries();
        self.note_offer(wish, census, room.zones.as_deref(), now);
        let tally = &census.waves[wave.position()];
        let devices =
            tally.count(DeviceStatus::Verifying) + tally.of(Class::OnTime, DeviceStatus::Pending);
        self.waves[wave.position()].switched_at = Some(now);
        self.phase = Phase::Observing { wave };
        Step::decided(Decision::Switched { wave, devices }).with([Effect::Switch {
            wave,
            at_most: room.at_most,
            zones: room.zones,
        }])
    }

    /// Lets further devices switch; says what holds it up, or that nobody waits.
    fn switch_on(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Result<Step, Option<Hold>> {
        let wish = Wish::Switch { wave };
        if self.waiting(wish, census) == 0 {
            return Err(None);
        }
        let room = self.room(wish, census, around, now).map_err(Some)?;
        self.note_offer(wish, census, room.zones.as_deref(), now);
        Ok(Step::silent().with([Effect::Switch {
            wave,
            at_most: room.at_most,
            zones: room.zones,
        }]))
    }

    pub(super) fn observe(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Step {
        for line in [Self::switch_on, Self::offer_on] {
            let step = match line(self, wave, census, around, now) {
                Ok(step) => step,
                Err(Some(Hold::Doubt { .. })) => self.settle_doubt(wave, census, now),
                Err(_) => Step::default(),
            };
            if !step.is_empty() {
                return step;
            }
        }
        if self.waves[wave.position()].is_behind() {
            return self.end(census, now);
        }
        let numbers = self.numbers(wave, census);
        let verdict = self.judge(wave, &numbers, census);
        let this = &mut self.waves[wave.position()];
        match verdict {
            None | Some(Verdict::Fail) => {
                let unsettled = this.settled_at.take().is_some();
                if unsettled {
                    Step::silent()
                } else {
                    Step::default()
                }
            }
            Some(Verdict::Inconclusive) => {
                let after = self.after(wave);
                self.inconclusive(wave, numbers, after, census, now)
            }
            Some(Verdict::Pass) => match this.settled_at {
                None => {
                    this.settled_at = Some(now);
                    Step::decided(Decision::Settled { wave, numbers })
                }
                Some(settled) if self.order.monitor.after(settled) > now => Step::default(),
                Some(_) => self.pass(wave, numbers, census, now),
            },
        }
    }
}
