//! The rollout engine: a state machine over counts.
//!
//! It never sees a list of devices, so a step costs the same for ten and for ten million. Every call
//! looks at the whole stored truth, so a lost or doubled wake-up changes nothing.

mod census;
mod decision;
mod effect;
mod input;
mod operator;
mod phase;
mod rollback;
mod timer;
mod wave;

use serde::{Deserialize, Serialize};

pub use census::{Census, Tally};
pub use decision::Decision;
pub use effect::{Effect, UnfetchedFate};
pub use input::{Command, Input, Refusal};
pub use phase::{Cause, HaltReason, Outcome, Phase, Position, Scope};
pub use timer::Timer;
pub use wave::Wave;

use crate::Timestamp;
use crate::judge::Limits;
use crate::plan::{OfflinePolicy, Plan};
use crate::seconds::Seconds;

/// One execution of a plan, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// What the plan asked for, fixed at the start.
    pub order: Order,
    /// The waves, in order.
    pub waves: Vec<Wave>,
    /// Where it stands.
    pub phase: Phase,
}

/// The part of a plan that the engine obeys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Most failures before a trip.
    pub max_failure_rate: Option<crate::percent::Percent>,
    /// Least share of a wave that must be judged.
    pub min_judged: crate::percent::Percent,
    /// Go back by itself on a trip.
    pub auto_rollback: bool,
    /// How long a wave is watched after its last device is through.
    pub monitor: Seconds,
    /// How long a device may take.
    pub device_timeout: Seconds,
    /// How long a device may take to go back.
    pub rollback_timeout: Seconds,
    /// What becomes of devices that don't come.
    pub offline_policy: OfflinePolicy,
}

/// What one call changed. Empty when there is nothing to do before the next input or timer.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Step {
    /// What was decided, with the numbers it rests on.
    pub decisions: Vec<Decision>,
    /// What is to be done, to whole sets of devices.
    pub effects: Vec<Effect>,
    /// The rollout's own state changed, even where nothing was decided.
    pub changed: bool,
}

impl Step {
    /// Nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.changed
    }

    fn decided(decision: Decision) -> Self {
        Self {
            decisions: vec![decision],
            effects: Vec::new(),
            changed: true,
        }
    }

    fn with(mut self, effects: impl IntoIterator<Item = Effect>) -> Self {
        self.effects.extend(effects);
        self
    }

    fn silent() -> Self {
        Self {
            changed: true,
            ..Self::default()
        }
    }
}

impl Rollout {
    /// A rollout of `plan` over waves of these sizes, not started.
    #[must_use]
    pub fn new(plan: &Plan, sizes: &[u64]) -> Self {
        let criteria = &plan.rollback_criteria;
        Self {
            order: Order {
                max_failure_rate: criteria.max_failure_rate,
                min_judged: criteria.min_judged,
                auto_rollback: plan.auto_rollback,
                monitor: plan.monitor_seconds,
                device_timeout: plan.device_timeout,
                rollback_timeout: plan.rollback_timeout,
                offline_policy: plan.offline_policy,
            },
            waves: sizes
                .iter()
                .map(|&size| Wave::new(size, plan.strategy.stages()))
                .collect(),
            phase: Phase::Queued,
        }
    }

    /// Takes one input, makes at most one transition, and says what follows from it.
    ///
    /// `census` holds the counts of every wave as they are stored. Store the new state and carry out
    /// the effects, then call again with [`Input::Tick`] and fresh counts until the step is empty.
    ///
    /// # Errors
    /// A command that can't be obeyed where the rollout stands. A tick is never refused.
    pub fn handle(
        &mut self,
        input: Input,
        census: &Census,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        match input {
            Input::Tick => Ok(self.tick(census, now)),
            Input::Operator { command, by } => self.obey(command, by, census, now),
            Input::FirmwareWithdrawn { by } => Ok(self.firmware_withdrawn(by, now)),
        }
    }

    fn tick(&mut self, census: &Census, now: Timestamp) -> Step {
        if census
            .earliest_deadline
            .is_some_and(|deadline| deadline <= now)
        {
            // Also after the end: devices that came late are given up like any other.
            return Step::silent().with([Effect::Expire {
                unfetched: self.unfetched_fate(),
            }]);
        }
        if let Some(step) = self.trip(census, now) {
            return step;
        }
        match self.phase.clone() {
            Phase::Queued => {
                self.phase = Phase::Releasing {
                    wave: crate::ids::WaveIndex(0),
                };
                Step::decided(Decision::Started {
                    devices: self.waves.iter().map(|wave| wave.size).sum(),
                    waves: self.waves.len() as u64,
                })
            }
            Phase::Releasing { wave } => self.release(wave, now),
            Phase::Staging { wave } => self.staged(wave, census, now),
            Phase::Verifying { wave } => self.switch(wave, census, now),
            Phase::Observing { wave } => self.observe(wave, census, now),
            Phase::RollingBack { .. } => self.continue_rollback(census, now),
            Phase::Cancelling { .. } => self.continue_cancel(census, now),
            Phase::Halted { .. } | Phase::Finished { .. } => Step::default(),
        }
    }

    const fn limits(&self) -> Limits {
        Limits {
            max_failure_rate: self.order.max_failure_rate,
            min_judged: self.order.min_judged,
        }
    }

    const fn unfetched_fate(&self) -> UnfetchedFate {
        match self.order.offline_policy {
            OfflinePolicy::Wait => UnfetchedFate::KeepWaiting,
            OfflinePolicy::Skip => UnfetchedFate::Skip,
            OfflinePolicy::Late => UnfetchedFate::Late,
        }
    }
}
