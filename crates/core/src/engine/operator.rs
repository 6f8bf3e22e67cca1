//! What people can do to a rollout: at any moment, and safe to repeat.

use super::{
    Cause, Census, Command, Decision, Effect, HaltReason, Outcome, Phase, Position, Refusal,
    Rollout, Step,
};
use crate::Timestamp;
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
            HaltReason::Paused { .. } => {}
            HaltReason::Tripped { .. } => self.accept_failures(census),
            HaltReason::Inconclusive { wave, numbers } => {
                let last = resume == Position::Observing { wave };
                self.phase = resume.into();
                let mut step = Step::decided(Decision::Accepted { wave, numbers, by });
                if last {
                    step.decisions.push(self.finish(Outcome::Succeeded, now));
                }
                return Ok(step);
            }
        }
        self.phase = resume.into();
        Ok(Step::decided(Decision::Resumed { by }))
    }

    /// The failures known so far no longer count; new ones do.
    fn accept_failures(&mut self, census: &Census) {
        for (wave, tally) in self.waves.iter_mut().zip(&census.waves) {
            wave.accepted_failures = tally.failed();
            if wave.verdict == Some(Verdict::Fail) {
                wave.verdict = None;
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
        match &self.phase {
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
        let Some(resume) = self.phase.position().filter(|_| !known) else {
            return Step::default();
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
