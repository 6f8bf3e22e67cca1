//! Stopping a rollout: when what its devices did is over a limit.

use super::{Cause, Census, Decision, HaltReason, Phase, Rollout, Rule, Scope, Step};
use crate::Timestamp;
use crate::device::FailureKind;
use crate::ids::WaveIndex;
use crate::judge::{Limits, Numbers, Verdict, gate, judge};

/// A limit that was passed.
struct Trip {
    scope: Scope,
    numbers: Numbers,
    rule: Option<Rule>,
}

impl Rollout {
    /// Stops the rollout when it is certain to be over a limit. A rollout that someone paused still
    /// trips: stopping it was meant to make it safer.
    pub(super) fn trip(&mut self, census: &Census, now: Timestamp) -> Option<Step> {
        let position = self.phase.position()?;
        if self.is_stopped_for_good() {
            return None;
        }
        let Trip {
            scope,
            numbers,
            rule,
        } = self.over_a_limit(census)?;
        if let Scope::Wave { wave } = scope {
            self.waves[wave.position()].verdict = Some(Verdict::Fail);
        }
        let kind = match rule {
            Some(Rule::Kind { kind, .. }) => Some(kind),
            Some(Rule::Sequential { .. }) | None => None,
        };
        let tripped = Decision::Tripped {
            scope,
            numbers,
            limit: self.order.max_failure_rate,
            rule,
        };
        // Devices that never came say nothing against the firmware.
        if self.order.auto_rollback && kind != Some(FailureKind::NeverContacted) {
            let cause = Cause::FailureRate {
                scope,
                numbers,
                kind,
            };
            let mut step = self.roll_back(cause, census, now);
            step.decisions.insert(0, tripped);
            return Some(step);
        }
        let reason = HaltReason::Tripped {
            scope,
            numbers,
            kind,
        };
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at: now,
            resume: position,
        };
        let mut step = Step::decided(tripped);
        step.decisions.push(Decision::Halted { reason });
        Some(step)
    }

    const fn is_stopped_for_good(&self) -> bool {
        matches!(
            self.phase,
            Phase::Halted {
                reason: HaltReason::Tripped { .. } | HaltReason::FirmwareWithdrawn { .. },
                ..
            }
        )
    }

    fn over_a_limit(&self, census: &Census) -> Option<Trip> {
        let mut carried = Numbers::default();
        for (index, wave) in self.waves.iter().enumerate() {
            if wave.released_at.is_none() {
                break;
            }
            let sound = self.order.failure_limits.is_empty() && census.waves[index].failed() == 0;
            if sound && wave.verdict != Some(Verdict::Inconclusive) {
                carried = Numbers::default();
                continue;
            }
            let index = WaveIndex(index as u32);
            let numbers = self.numbers(index, census);
            if let Some(rule) = self.kind_over_its_limit(index, census) {
                return Some(Trip {
                    scope: Scope::Wave { wave: index },
                    numbers,
                    rule: Some(rule),
                });
            }
            if let Some(rule) = self.fails(&numbers, &carried) {
                return Some(Trip {
                    scope: Scope::Wave { wave: index },
                    numbers,
                    rule,
                });
            }
            carried = if wave.verdict == Some(Verdict::Inconclusive) {
                carried + numbers
            } else {
                Numbers::default()
            };
        }
        if self.order.boundary.is_some() || census.waves.iter().all(|tally| tally.failed() == 0) {
            return None;
        }
        let numbers = self.released(census);
        (judge(&numbers, &self.limits()) == Some(Verdict::Fail)).then_some(Trip {
            scope: Scope::Released,
            numbers,
            rule: None,
        })
    }

    /// The numbers of all open waves together.
    fn released(&self, census: &Census) -> Numbers {
        (0..self.waves.len() as u32)
            .map(WaveIndex)
            .take_while(|wave| self.waves[wave.position()].released_at.is_some())
            .map(|wave| self.numbers(wave, census))
            .fold(Numbers::default(), |sum, one| sum + one)
    }

    /// Whether a wave with these numbers fails, and by which rule if it is not the plain limit.
    fn fails(&self, numbers: &Numbers, carried: &Numbers) -> Option<Option<Rule>> {
        if self.verdict(numbers, carried) != Some(Verdict::Fail) {
            return None;
        }
        let Some(boundary) = &self.order.boundary else {
            return Some(None);
        };
        let evidence = *numbers + *carried;
        Some(Some(Rule::Sequential {
            failures: evidence.failed,
            devices: evidence.judged(),
            rolls_back_through: boundary.rolls_back_through(evidence.failed),
            limit: boundary.max_failure_rate(),
        }))
    }

    fn kind_over_its_limit(&self, wave: WaveIndex, census: &Census) -> Option<Rule> {
        let this = &self.waves[wave.position()];
        let tally = &census.waves[wave.position()];
        self.order.failure_limits.iter().find_map(|(kind, limit)| {
            let accepted = this.accepted_kinds.get(kind).copied().unwrap_or(0);
            let count = tally.failed_so(*kind).saturating_sub(accepted);
            let over = count >= limit.min_count && limit.max_rate.exceeded_by(count, this.size);
            over.then_some(Rule::Kind {
                kind: *kind,
                count,
                limit: *limit,
            })
        })
    }

    /// The verdict on a wave with these numbers.
    pub(super) fn judge(
        &self,
        wave: WaveIndex,
        numbers: &Numbers,
        census: &Census,
    ) -> Option<Verdict> {
        self.verdict(numbers, &self.carried(wave, census))
    }

    fn verdict(&self, numbers: &Numbers, carried: &Numbers) -> Option<Verdict> {
        match &self.order.boundary {
            None => judge(numbers, &self.limits()),
            Some(boundary) => gate(numbers, carried, boundary, self.order.min_judged),
        }
    }

    /// What is known from the waves right before this one that could not be judged and were gone past.
    pub(super) fn carried(&self, wave: WaveIndex, census: &Census) -> Numbers {
        let before = (0..wave.0).rev().map(WaveIndex);
        before
            .take_while(|w| self.waves[w.position()].verdict == Some(Verdict::Inconclusive))
            .map(|w| self.numbers(w, census))
            .fold(Numbers::default(), |sum, one| sum + one)
    }

    pub(super) const fn limits(&self) -> Limits {
        Limits {
            max_failure_rate: self.order.max_failure_rate,
            min_judged: self.order.min_judged,
        }
    }

    /// Halts a rollout that takes longer than its plan allows.
    pub(super) fn out_of_time(&mut self, now: Timestamp) -> Option<Step> {
        let limit = self.order.deployment_timeout?;
        let halted = matches!(self.phase, Phase::Halted { .. } | Phase::Queued);
        let resume = self.phase.position().filter(|_| !halted)?;
        if limit.after(self.started_at?) > now {
            return None;
        }
        let reason = HaltReason::OutOfTime { limit };
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at: now,
            resume,
        };
        Some(Step::decided(Decision::Halted { reason }))
    }
}
