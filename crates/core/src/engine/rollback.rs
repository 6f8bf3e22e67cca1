//! Tripping and going back: exactly the devices that took the update, each to the version it had.

use super::{Cause, Census, Decision, Effect, HaltReason, Outcome, Phase, Rollout, Scope, Step};
use crate::Timestamp;
use crate::device::DeviceStatus;
use crate::ids::WaveIndex;
use crate::judge::{Numbers, Verdict, judge};

impl Rollout {
    /// Stops the rollout when a failure rate is certain to be over its limit. A rollout that someone
    /// paused still trips: stopping it was meant to make it safer.
    pub(super) fn trip(&mut self, census: &Census, now: Timestamp) -> Option<Step> {
        let already_asked = matches!(
            self.phase,
            Phase::Halted {
                reason: HaltReason::Tripped { .. } | HaltReason::FirmwareWithdrawn { .. },
                ..
            }
        );
        let position = self.phase.position()?;
        if already_asked {
            return None;
        }
        let (scope, numbers) = self.over_the_limit(census)?;
        if let Scope::Wave { wave } = scope {
            self.waves[wave.position()].verdict = Some(Verdict::Fail);
        }
        let tripped = Decision::Tripped {
            scope,
            numbers,
            limit: self.order.max_failure_rate,
        };
        if self.order.auto_rollback {
            let mut step = self.roll_back(Cause::FailureRate { scope, numbers }, census, now);
            step.decisions.insert(0, tripped);
            return Some(step);
        }
        let reason = HaltReason::Tripped { scope, numbers };
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at: now,
            resume: position,
        };
        let mut step = Step::decided(tripped);
        step.decisions.push(Decision::Halted { reason });
        Some(step)
    }

    fn over_the_limit(&self, census: &Census) -> Option<(Scope, Numbers)> {
        let limits = self.limits();
        let mut all = Numbers::default();
        for (index, wave) in self.waves.iter().enumerate() {
            if wave.released_at.is_none() {
                break;
            }
            let index = WaveIndex(index as u32);
            let numbers = if wave.staged && wave.switched_at.is_none() {
                census.waves[index.position()].staged(wave.accepted_failures)
            } else {
                self.numbers(index, census)
            };
            if judge(&numbers, &limits) == Some(Verdict::Fail) {
                return Some((Scope::Wave { wave: index }, numbers));
            }
            all.size += numbers.size;
            all.succeeded += numbers.succeeded;
            all.failed += numbers.failed;
            all.in_flight += numbers.in_flight;
            all.not_judged += numbers.not_judged;
        }
        (judge(&all, &limits) == Some(Verdict::Fail)).then_some((Scope::Released, all))
    }

    pub(super) fn roll_back(&mut self, cause: Cause, census: &Census, now: Timestamp) -> Step {
        self.phase = Phase::RollingBack {
            cause: cause.clone(),
            at: now,
        };
        let decision = Decision::RollbackStarted {
            cause,
            devices: to_recall(census),
        };
        Step::decided(decision).with([Effect::Withdraw, Effect::StopInFlight, Effect::Recall])
    }

    pub(super) fn continue_rollback(&mut self, census: &Census, now: Timestamp) -> Step {
        let devices = to_recall(census);
        if devices > 0 {
            return Step::decided(Decision::Recalled { devices }).with([Effect::Recall]);
        }
        if census.in_flight() > 0 || census.count(DeviceStatus::RollingBack) > 0 {
            return Step::default();
        }
        let rolled_back = census.count(DeviceStatus::RolledBack);
        let failed = census.count(DeviceStatus::RollbackFailed);
        let outcome = if failed == 0 {
            Outcome::RolledBack
        } else {
            Outcome::RollbackIncomplete
        };
        let mut step = Step::decided(Decision::RollbackFinished {
            rolled_back,
            failed,
        });
        step.decisions.push(self.finish(outcome, now));
        step
    }

    pub(super) fn continue_cancel(&mut self, census: &Census, now: Timestamp) -> Step {
        if census.in_flight() > 0 {
            return Step::default();
        }
        Step::decided(self.finish(Outcome::Cancelled, now))
    }
}

/// Devices that run the update, or that fetched it and were lost.
fn to_recall(census: &Census) -> u64 {
    census.count(DeviceStatus::Succeeded) + census.count(DeviceStatus::TimedOut)
}
