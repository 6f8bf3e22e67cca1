//! The way forward: opening a wave, filling slots, switching, watching, judging.

use serde::{Deserialize, Serialize};

use super::{Census, Decision, Effect, HaltReason, Outcome, Phase, Position, Rollout, Step};
use crate::Timestamp;
use crate::device::DeviceStatus;
use crate::ids::WaveIndex;
use crate::judge::{Numbers, Verdict, judge};

/// One wave and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Its devices.
    pub size: u64,
    /// Its devices fill a slot first and switch later.
    pub staged: bool,
    /// When it was opened.
    pub released_at: Option<Timestamp>,
    /// When its devices were told to switch.
    pub switched_at: Option<Timestamp>,
    /// When its last device was through.
    pub settled_at: Option<Timestamp>,
    /// What was found.
    pub verdict: Option<Verdict>,
    /// Failures that an operator accepted.
    pub accepted_failures: u64,
}

impl Wave {
    pub(super) const fn new(size: u64, staged: bool) -> Self {
        Self {
            size,
            staged,
            released_at: None,
            switched_at: None,
            settled_at: None,
            verdict: None,
            accepted_failures: 0,
        }
    }
}

impl Rollout {
    pub(super) fn release(&mut self, wave: WaveIndex, now: Timestamp) -> Step {
        let this = &mut self.waves[wave.position()];
        this.released_at = Some(now);
        let devices = this.size;
        if this.staged {
            self.phase = Phase::Staging { wave };
            return Step::decided(Decision::Staged { wave, devices })
                .with([Effect::Stage { wave }]);
        }
        self.phase = Phase::Observing { wave };
        Step::decided(Decision::Released { wave, devices }).with([Effect::Release { wave }])
    }

    pub(super) fn staged(&mut self, wave: WaveIndex, census: &Census, now: Timestamp) -> Step {
        let tally = &census.waves[wave.position()];
        let numbers = tally.staged(self.waves[wave.position()].accepted_failures);
        match judge(&numbers, &self.limits()) {
            None | Some(Verdict::Fail) => Step::default(),
            Some(Verdict::Pass) => {
                self.phase = Phase::Verifying { wave };
                let held_back = tally.count(DeviceStatus::Pending);
                Step::decided(Decision::SlotsFilled {
                    wave,
                    numbers,
                    held_back,
                })
            }
            Some(Verdict::Inconclusive) => {
                self.halt_inconclusive(wave, numbers, Position::Verifying { wave }, now)
            }
        }
    }

    pub(super) fn switch(&mut self, wave: WaveIndex, census: &Census, now: Timestamp) -> Step {
        let tally = &census.waves[wave.position()];
        let devices = tally.count(DeviceStatus::Verifying) + tally.count(DeviceStatus::Pending);
        self.waves[wave.position()].switched_at = Some(now);
        self.phase = Phase::Observing { wave };
        Step::decided(Decision::Switched { wave, devices }).with([Effect::Switch { wave }])
    }

    pub(super) fn observe(&mut self, wave: WaveIndex, census: &Census, now: Timestamp) -> Step {
        let monitor = self.order.monitor;
        let limits = self.limits();
        let numbers = self.numbers(wave, census);
        let this = &mut self.waves[wave.position()];
        match judge(&numbers, &limits) {
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
                self.halt_inconclusive(wave, numbers, after, now)
            }
            Some(Verdict::Pass) => match this.settled_at {
                None => {
                    this.settled_at = Some(now);
                    Step::decided(Decision::Settled { wave, numbers })
                }
                Some(settled) if monitor.after(settled) > now => Step::default(),
                Some(_) => {
                    this.verdict = Some(Verdict::Pass);
                    self.pass(wave, numbers, now)
                }
            },
        }
    }

    fn pass(&mut self, wave: WaveIndex, numbers: Numbers, now: Timestamp) -> Step {
        let mut step = Step::decided(Decision::Passed { wave, numbers });
        match self.next_wave(wave) {
            Some(next) => self.phase = Phase::Releasing { wave: next },
            None => step.decisions.push(self.finish(Outcome::Succeeded, now)),
        }
        step
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

    pub(super) fn numbers(&self, wave: WaveIndex, census: &Census) -> Numbers {
        let this = &self.waves[wave.position()];
        census.waves[wave.position()].deployed(this.size, this.accepted_failures)
    }

    fn halt_inconclusive(
        &mut self,
        wave: WaveIndex,
        numbers: Numbers,
        resume: Position,
        at: Timestamp,
    ) -> Step {
        self.waves[wave.position()].verdict = Some(Verdict::Inconclusive);
        let reason = HaltReason::Inconclusive { wave, numbers };
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at,
            resume,
        };
        Step::decided(Decision::Halted { reason })
    }

    /// Where a rollout goes on when someone accepts a wave that could not be judged.
    fn after(&self, wave: WaveIndex) -> Position {
        match self.next_wave(wave) {
            Some(next) => Position::Releasing { wave: next },
            None => Position::Observing { wave },
        }
    }
}
