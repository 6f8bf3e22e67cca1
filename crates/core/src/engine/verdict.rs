//! What follows a verdict: the next wave, the end, or a person.

use super::{
    Cause, Census, Decision, HaltReason, Outcome, Phase, Position, Rollout, Step, Surroundings,
};
use crate::Timestamp;
use crate::device::{Class, DeviceStatus};
use crate::ids::WaveIndex;
use crate::judge::{Numbers, Verdict};
use crate::plan::{OnInconclusive, OnPass};

impl Rollout {
    /// Where only waves that could not be judged use up the blast radius, a person has to accept them.
    pub(super) fn settle_blast_radius(
        &mut self,
        next: WaveIndex,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Step {
        let unproven = |wave: &WaveIndex| !self.waves[wave.position()].is_behind();
        let last = (0..next.0).rev().map(WaveIndex).find(unproven);
        let Some(wave) = last.filter(|_| around.unproven_elsewhere + census.under_way() == 0)
        else {
            return Step::default();
        };
        let numbers = self.numbers(wave, census);
        let reason = HaltReason::Inconclusive { wave, numbers };
        Step::decided(self.halt(reason, Position::Releasing { wave: next }, now))
    }

    pub(super) fn pass(
        &mut self,
        wave: WaveIndex,
        numbers: Numbers,
        census: &Census,
        now: Timestamp,
    ) -> Step {
        self.waves[wave.position()].verdict = Some(Verdict::Pass);
        self.accept_through(wave);
        let mut step = Step::decided(Decision::Passed { wave, numbers });
        let Some(next) = self.next_wave(wave) else {
            step.decisions.extend(self.end(census, now).decisions);
            return step;
        };
        match self.order.on_pass {
            OnPass::Continue => self.phase = Phase::Releasing { wave: next },
            OnPass::Pause => {
                let reason = HaltReason::WavePassed { wave };
                let halted = self.halt(reason, Position::Releasing { wave: next }, now);
                step.decisions.push(halted);
            }
        }
        step
    }

    /// After the last wave: it is over when no device that was chosen is on its way or waits, because
    /// afterwards nobody would be held to account for those.
    pub(super) fn end(&mut self, census: &Census, now: Timestamp) -> Step {
        if census.waves.iter().any(|tally| tally.open() > 0) {
            return Step::default();
        }
        Step::decided(self.finish(Outcome::Succeeded, now))
    }

    /// Waves up to this one that could not be judged count as good.
    pub(super) fn accept_through(&mut self, wave: WaveIndex) {
        for wave in &mut self.waves[..=wave.position()] {
            wave.accepted |= wave.verdict == Some(Verdict::Inconclusive);
        }
    }

    pub(super) fn inconclusive(
        &mut self,
        wave: WaveIndex,
        numbers: Numbers,
        next: Position,
        census: &Census,
        now: Timestamp,
    ) -> Step {
        self.waves[wave.position()].verdict = Some(Verdict::Inconclusive);
        let last = next == Position::Observing { wave };
        match self.order.on_inconclusive {
            OnInconclusive::Continue if !last => {
                self.phase = next.into();
                Step::decided(Decision::CarriedOn { wave, numbers })
            }
            OnInconclusive::Rollback => {
                self.roll_back(Cause::Inconclusive { wave, numbers }, census, now)
            }
            // A rollout that ends without a verdict has proved nothing: a person decides.
            OnInconclusive::Pause | OnInconclusive::Continue => {
                let reason = HaltReason::Inconclusive { wave, numbers };
                Step::decided(self.halt(reason, next, now))
            }
        }
    }

    /// A wave in doubt waits for the devices under way; when none is left, only a person can go on.
    pub(super) fn settle_doubt(
        &mut self,
        wave: WaveIndex,
        census: &Census,
        now: Timestamp,
    ) -> Step {
        let tally = &census.waves[wave.position()];
        if tally.awaited() > tally.of(Class::OnTime, DeviceStatus::Verifying) {
            return Step::default();
        }
        let numbers = self.numbers(wave, census);
        let resume = self
            .phase
            .position()
            .unwrap_or(Position::Observing { wave });
        let reason = HaltReason::Doubt { wave, numbers };
        Step::decided(self.halt(reason, resume, now))
    }

    pub(super) fn halt(&mut self, reason: HaltReason, resume: Position, at: Timestamp) -> Decision {
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at,
            resume,
        };
        Decision::Halted { reason }
    }

    /// The next wave, or none after the last.
    pub(super) fn next_wave(&self, wave: WaveIndex) -> Option<WaveIndex> {
        let next = wave.next();
        (next.position() < self.waves.len()).then_some(next)
    }

    pub(super) fn finish(&mut self, outcome: Outcome, at: Timestamp) -> Decision {
        let cause = match &self.phase {
            Phase::RollingBack { cause, .. } => Some(cause.clone()),
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Observing { .. }
            | Phase::Halted { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
        };
        self.phase = Phase::Finished { outcome, cause, at };
        Decision::Finished { outcome }
    }

    /// Where a rollout goes on when someone accepts a wave that could not be judged.
    pub(super) fn after(&self, wave: WaveIndex) -> Position {
        match self.next_wave(wave) {
            Some(next) => Position::Releasing { wave: next },
            None => Position::Observing { wave },
        }
    }
}
