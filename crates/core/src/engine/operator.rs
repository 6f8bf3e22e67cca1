//! What people can do to a rollout: at any moment, and safe to repeat.

use super::{
    Cause, Census, Command, Decision, Effect, HaltReason, Outcome, Phase, Position, Refusal,
    Rollout, Step,
};
use crate::Timestamp;
use crate::ids::WaveIndex;
use crate::judge::Verdict;

impl Rollout {
    pub(super) fn obey(
        &mut self,
        command: Command,
        by: String,
        census: &Census,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        match command {
            Command::Pause => self.pause(by, now),
            Command::Resume => self.resume(by, census, now),
            Command::Cancel => self.cancel(by, now),
            Command::Rollback => self.roll_back_by(by, census, now),
        }
    }

    fn pause(&mut self, by: String, at: Timestamp) -> Result<Step, Refusal> {
        if matches!(self.phase, Phase::Halted { .. }) {
            return Ok(Step::default());
        }
        let resume = self.phase.position().ok_or_else(|| self.refusal())?;
        let reason = HaltReason::Paused { by };
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at,
            resume,
        };
        Ok(Step::decided(Decision::Halted { reason }))
    }

    fn resume(&mut self, by: String, census: &Census, now: Timestamp) -> Result<Step, Refusal> {
        let Phase::Halted { reason, resume, .. } = self.phase.clone() else {
            return self
                .phase
                .position()
                .map(|_| Step::default())
                .ok_or_else(|| self.refusal());
        };
        match reason {
            HaltReason::FirmwareWithdrawn { .. } => return Err(Refusal::FirmwareWithdrawn),
            HaltReason::Paused { .. } | HaltReason::WavePassed { .. } => {}
            HaltReason::TargetsGrew { .. } => self.may_match = None,
            HaltReason::OutOfTime { .. } => self.started_at = Some(now),
            HaltReason::Tripped { .. } | HaltReason::Doubt { .. } => {
                self.accept_failures(resume, census);
            }
            HaltReason::Inconclusive { wave, numbers } => {
                self.phase = resume.into();
                let mut step = Step::decided(Decision::Accepted { wave, numbers, by });
                // Accepted slots are yet to be switched to, and to be judged then.
                if resume != (Position::Verifying { wave }) {
                    self.accept_through(wave);
                }
                if resume == (Position::Observing { wave }) {
                    step.decisions.extend(self.end(census, now).decisions);
                }
                return Ok(step);
            }
        }
        self.phase = resume.into();
        Ok(Step::decided(Decision::Resumed { by }))
    }

    /// The failures known so far no longer count; new ones do. A failed wave that the rollout had gone
    /// past is behind it again.
    fn accept_failures(&mut self, resume: Position, census: &Census) {
        let current = resume.wave().map_or(0, WaveIndex::position);
        for (index, (wave, tally)) in self.waves.iter_mut().zip(&census.waves).enumerate() {
            wave.accepted_failures = tally.failed();
            let kinds = self.order.failure_limits.keys();
            wave.accepted_kinds = kinds.map(|kind| (*kind, tally.failed_so(*kind))).collect();
            if wave.verdict == Some(Verdict::Fail) {
                wave.verdict = (index < current).then_some(Verdict::Inconclusive);
                wave.accepted = index < current;
            }
        }
    }

    fn cancel(&mut self, by: String, at: Timestamp) -> Result<Step, Refusal> {
        if matches!(
            self.phase,
            Phase::Cancelling { .. }
                | Phase::Finished {
                    outcome: Outcome::Cancelled,
                    ..
                }
        ) {
            return Ok(Step::default());
        }
        if self.phase.position().is_none() {
            return Err(self.refusal());
        }
        self.phase = Phase::Cancelling { by: by.clone(), at };
        let effects = [Effect::Withdraw, Effect::StopInFlight];
        Ok(Step::decided(Decision::CancelStarted { by }).with(effects))
    }

    fn roll_back_by(
        &mut self,
        by: String,
        census: &Census,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        match &mut self.phase {
            Phase::RollingBack { way, .. } if way.held => {
                way.held = false;
                way.all_at_once = true;
                Ok(Step::decided(Decision::RollbackForced { by }))
            }
            Phase::RollingBack { .. }
            | Phase::Finished {
                outcome: Outcome::RolledBack | Outcome::RollbackIncomplete,
                ..
            } => Ok(Step::default()),
            Phase::Finished { .. } => Err(self.refusal()),
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Observing { .. }
            | Phase::Halted { .. }
            | Phase::Cancelling { .. } => Ok(self.roll_back(Cause::Operator { by }, census, now)),
        }
    }

    pub(super) fn firmware_withdrawn(&mut self, by: String, at: Timestamp) -> Step {
        let known = matches!(
            self.phase,
            Phase::Halted {
                reason: HaltReason::FirmwareWithdrawn { .. },
                ..
            }
        );
        if known
            || self.phase.is_going_back()
            || self.stragglers_stopped && self.phase.is_finished()
        {
            return Step::default();
        }
        self.stragglers_stopped = true;
        let Some(resume) = self.phase.position() else {
            return Step::silent().with([Effect::WithdrawStragglers, Effect::StopInFlight]);
        };
        let reason = HaltReason::FirmwareWithdrawn { by };
        self.phase = Phase::Halted {
            reason: reason.clone(),
            at,
            resume,
        };
        Step::decided(Decision::Halted { reason }).with([Effect::Withdraw, Effect::StopInFlight])
    }

    fn refusal(&self) -> Refusal {
        match &self.phase {
            Phase::RollingBack { .. } => Refusal::RollingBack,
            Phase::Cancelling { .. } => Refusal::Cancelling,
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Observing { .. }
            | Phase::Halted { .. }
            | Phase::Finished { .. } => Refusal::Finished(self.phase.name()),
        }
    }
}
