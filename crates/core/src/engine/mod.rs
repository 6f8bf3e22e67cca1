//! The rollout engine: a state machine over counts.
//!
//! It never sees a list of devices, so a step costs the same for ten and for ten million. Every call
//! looks at the whole stored truth, so a lost or doubled wake-up changes nothing.

mod census;
mod decision;
mod effect;
mod forward;
mod hold;
mod input;
mod offer_log;
mod offers;
mod operator;
mod order;
mod phase;
mod reason;
mod rollback;
mod stragglers;
mod surroundings;
mod timer;
mod trip;
mod verdict;
mod wave;
mod why;

use serde::{Deserialize, Serialize};

pub use census::{Census, Slot, Tally};
pub use decision::{Decision, Rule};
pub use effect::{Effect, Recipients, UnfetchedFate};
pub use hold::{Freeze, Hold, Queue};
pub use input::{Command, Input, Refusal};
pub use offer_log::OfferLog;
pub use order::Order;
pub use phase::{Outcome, Phase, Position, WayBack};
pub use reason::{Cause, HaltReason, Scope};
pub use surroundings::Surroundings;
pub use timer::Timer;
pub use wave::Wave;
pub use why::{DeviceFacts, NotTargeted, Why, WhyDevice};

use crate::Timestamp;
use crate::ids::WaveIndex;
use crate::plan::{OfflinePolicy, Plan};

/// One execution of a plan, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// What the plan asked for, fixed at the start.
    pub order: Order,
    /// The waves, in order; none before the devices are chosen.
    pub waves: Vec<Wave>,
    /// Where it stands.
    pub phase: Phase,
    /// When it starts at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// When it started, or when a person let it go on past its time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// What is remembered of past offers.
    #[serde(default)]
    pub offers: OfferLog,
    /// Devices that come late or join get the update no longer.
    #[serde(default)]
    pub stragglers_stopped: bool,
    /// A person with that right let it run through freezes.
    #[serde(default)]
    pub overrides_freeze: bool,
    /// Most devices that may match when they are chosen; more were not approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_match: Option<u64>,
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
    /// A rollout of `plan` whose devices are not chosen yet.
    #[must_use]
    pub fn queued(plan: &Plan, starts_at: Option<Timestamp>) -> Self {
        Self {
            order: Order::of(plan),
            waves: Vec::new(),
            phase: Phase::Queued,
            starts_at,
            started_at: None,
            offers: OfferLog::default(),
            stragglers_stopped: false,
            overrides_freeze: false,
            may_match: None,
        }
    }

    /// A rollout of `plan` over waves of these sizes, not started.
    #[must_use]
    pub fn new(plan: &Plan, sizes: &[u64]) -> Self {
        let mut rollout = Self::queued(plan, None);
        rollout.cut(sizes);
        rollout
    }

    fn cut(&mut self, sizes: &[u64]) {
        let staged = self.order.staged;
        self.waves = sizes.iter().map(|&size| Wave::new(size, staged)).collect();
    }

    /// Takes one input, makes at most one transition, and says what follows from it.
    ///
    /// `census` holds the counts of every wave as they are stored, `around` what holds outside. Store
    /// the new state and carry out the effects, then call again with [`Input::Tick`] and fresh counts
    /// until the step is empty.
    ///
    /// # Errors
    /// A command that can't be obeyed where the rollout stands. A tick is never refused.
    pub fn handle(
        &mut self,
        input: Input,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        match input {
            Input::Tick => Ok(self.tick(census, around, now)),
            Input::Chosen { waves, matching } => Ok(self.chosen(&waves, matching, now)),
            Input::Operator { command, by } => self.obey(command, by, census, now),
            Input::FirmwareWithdrawn { by } => Ok(self.firmware_withdrawn(by, now)),
        }
    }

    fn tick(&mut self, census: &Census, around: &Surroundings, now: Timestamp) -> Step {
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
        if let Some(step) = self.out_of_time(now) {
            return step;
        }
        let step = match self.phase {
            Phase::Queued => self.start(around, now),
            Phase::Releasing { wave } => self.open(wave, census, around, now),
            Phase::Staging { wave } => self.staged(wave, census, around, now),
            Phase::Verifying { wave } => self.switch(wave, census, around, now),
            Phase::Observing { wave } => self.observe(wave, census, around, now),
            Phase::RollingBack { .. } => self.continue_rollback(census, now),
            Phase::Cancelling { .. } => self.continue_cancel(census, now),
            Phase::Halted { .. } | Phase::Finished { .. } => Step::default(),
        };
        if step.is_empty() {
            self.offer_to_stragglers(census, around, now)
        } else {
            step
        }
    }

    /// The wave whose devices are offered the update or watched, where there is one.
    #[must_use]
    pub const fn current_wave(&self) -> Option<WaveIndex> {
        match &self.phase {
            Phase::Staging { wave } | Phase::Verifying { wave } | Phase::Observing { wave } => {
                Some(*wave)
            }
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Halted { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
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
