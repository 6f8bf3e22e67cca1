//! A rollout on imagined devices in virtual time, run by the real engine.
//!
//! It is the reference for what effects mean: the store does in SQL what [`World`] does device by
//! device.

mod behaviour;
mod chance;
mod device;
mod distribution;
mod effects;
mod line;
mod moments;
mod reports;
mod simulate;
mod world;

pub use behaviour::Behaviour;
pub use device::Device;
pub use distribution::{Distribution, Spread};
pub use simulate::{Fleet, Place, Rates, Simulated, Simulation};
pub use world::World;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use behaviour::Course;
use reports::{Expected, Reports};

use crate::engine::{
    Command, Decision, Effect, Input, Refusal, Rollout, Step, Surroundings, Tally,
};
use crate::seconds::Seconds;

/// A rollout being rehearsed.
pub struct Rehearsal {
    rollout: Rollout,
    world: World,
    now: Timestamp,
    around: Surroundings,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    reports: Reports,
    next_event: u64,
    transcript: Vec<Line>,
}

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What a transcript tells.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The engine decided.
    Decided(Decision),
    /// A command was refused.
    Refused(Command, Refusal),
}

/// One step of the engine, before what it asks is done.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// When.
    pub at: Timestamp,
    /// The rollout after the step.
    pub rollout: &'a Rollout,
    /// The devices that the step was decided on.
    pub world: &'a World,
    /// What held outside.
    pub around: &'a Surroundings,
    /// What was decided, and what is to be done.
    pub step: &'a Step,
}

#[derive(Clone, Debug)]
enum Event {
    Operator(Command, String),
    Around(Surroundings),
    Joins(Behaviour),
    Withdrawn(String),
}

/// Most steps of the engine at one moment; more would be a loop.
const STEPS_AT_ONCE: usize = 1_000;

impl Rehearsal {
    /// A rehearsal of `rollout` on the devices of `world`, beginning at `start`.
    #[must_use]
    pub fn new(rollout: Rollout, world: World, start: Timestamp) -> Self {
        Self {
            rollout,
            world,
            now: start,
            around: Surroundings::default(),
            agenda: BTreeMap::new(),
            reports: Reports::default(),
            next_event: 0,
            transcript: Vec::new(),
        }
    }

    /// Has a person give a command at a moment to come.
    pub fn command_at(&mut self, at: Timestamp, command: Command, by: &str) {
        self.schedule(at, Event::Operator(command, by.to_owned()));
    }

    /// Lets something else hold outside from a moment to come.
    pub fn surround_at(&mut self, at: Timestamp, around: Surroundings) {
        self.schedule(at, Event::Around(around));
    }

    /// Lets a device join at a moment to come, if the rollout takes devices that join then.
    pub fn join_at(&mut self, at: Timestamp, behaviour: Behaviour) {
        self.schedule(at, Event::Joins(behaviour));
    }

    /// Lets someone withdraw the firmware at a moment to come.
    pub fn withdraw_firmware_at(&mut self, at: Timestamp, by: &str) {
        self.schedule(at, Event::Withdrawn(by.to_owned()));
    }

    /// Runs until nothing more would happen by itself, or until `end`.
    ///
    /// # Panics
    /// When the engine goes round in circles.
    pub fn run(&mut self, end: Timestamp) {
        self.settle(Input::Tick, &mut |_| {});
        while self.advance(end) {}
    }

    /// Lets the next thing happen that is due by `end`; false when there is none.
    ///
    /// # Panics
    /// When the engine goes round in circles.
    pub fn advance(&mut self, end: Timestamp) -> bool {
        self.advance_watched(end, &mut |_| {})
    }

    /// The same, and shows every step of the engine before its effects are carried out.
    ///
    /// # Panics
    /// When the engine goes round in circles.
    pub fn advance_watched(&mut self, end: Timestamp, watch: &mut impl FnMut(Moment<'_>)) -> bool {
        let Some(at) = self.next_moment().filter(|at| *at <= end) else {
            return false;
        };
        self.now = at.max(self.now);
        self.happen(watch);
        true
    }

    /// The moment that it has reached.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// One thing that is due.
    fn happen(&mut self, watch: &mut impl FnMut(Moment<'_>)) {
        let now = self.now;
        let next_report = self.reports.next_at();
        let next_event = self.agenda.first_key_value().map(|((at, _), _)| *at);
        if next_event.is_some_and(|at| at <= now && next_report.is_none_or(|report| at <= report)) {
            if let Some((_, event)) = self.agenda.pop_first() {
                let input = self.meet(event);
                self.settle(input, watch);
            }
        } else if next_report.is_some_and(|at| at <= now) {
            if let Some(expected) = self.reports.next() {
                self.hear(expected);
                self.settle(Input::Tick, watch);
            }
        } else {
            self.settle(Input::Tick, watch);
        }
    }

    fn meet(&mut self, event: Event) -> Input {
        match event {
            Event::Operator(command, by) => Input::Operator { command, by },
            Event::Withdrawn(by) => Input::FirmwareWithdrawn { by },
            Event::Around(around) => {
                self.around = around;
                Input::Tick
            }
            Event::Joins(behaviour) => {
                if self.rollout.takes_joiners() {
                    self.world.join(behaviour);
                }
                Input::Tick
            }
        }
    }

    fn hear(&mut self, expected: Expected) {
        let course = Course {
            after: Seconds(0),
            attempt: expected.attempt,
            report: expected.report,
        };
        let order = &self.rollout.order;
        self.world.report(expected.device, course, order, self.now);
    }

    /// The devices as they are.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The rollout as it is.
    #[must_use]
    pub const fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// What holds outside.
    #[must_use]
    pub const fn around(&self) -> &Surroundings {
        &self.around
    }

    /// What happened so far.
    #[must_use]
    pub fn transcript(&self) -> &[Line] {
        &self.transcript
    }

    /// The same, when nothing else of it is wanted.
    #[must_use]
    pub fn into_transcript(self) -> Vec<Line> {
        self.transcript
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let event = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let known = [self.reports.next_at(), event].into_iter().flatten().min();
        if known.is_some_and(|at| at <= self.now) {
            return known;
        }
        let census = self.world.census();
        let timer = self.rollout.next_wakeup(census, &self.around, self.now);
        [timer.map(|(at, _)| at), known].into_iter().flatten().min()
    }

    fn settle(&mut self, first: Input, watch: &mut impl FnMut(Moment<'_>)) {
        let mut input = first;
        for _ in 0..STEPS_AT_ONCE {
            let census = self.world.census();
            let given = std::mem::replace(&mut input, Input::Tick);
            let ticked = given == Input::Tick;
            let command = command_of(&given);
            let step = match self.rollout.handle(given, census, &self.around, self.now) {
                Ok(step) => step,
                Err(refusal) => {
                    if let Some(command) = command {
                        self.tell(What::Refused(command, refusal));
                    }
                    return;
                }
            };
            if step.is_empty() && ticked {
                return;
            }
            watch(Moment {
                at: self.now,
                rollout: &self.rollout,
                world: &self.world,
                around: &self.around,
                step: &step,
            });
            if let Some(answer) = self.follow(step) {
                input = answer;
            }
        }
        panic!(
            "the engine goes round in circles in {:?}",
            self.rollout.phase
        );
    }

    /// Tells what was decided and does what is asked; the answer where one is wanted.
    fn follow(&mut self, step: Step) -> Option<Input> {
        let mut answer = None;
        for decision in step.decisions {
            self.tell(What::Decided(decision));
        }
        for effect in &step.effects {
            if *effect == Effect::Choose {
                let waves: Vec<u64> = self.world.census().waves.iter().map(Tally::size).collect();
                let matching = waves.iter().sum();
                answer = Some(Input::Chosen { waves, matching });
            }
            let (now, reports) = (self.now, &mut self.reports);
            let mut expect = |device, courses: &behaviour::Courses| {
                courses.each(|course| {
                    let expected = Expected {
                        device,
                        attempt: course.attempt,
                        report: course.report,
                    };
                    reports.expect(course.after.after(now), expected);
                });
            };
            let order = &self.rollout.order;
            self.world.carry_out(effect, order, now, &mut expect);
        }
        answer
    }

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.agenda.insert((at, self.next_event), event);
        self.next_event += 1;
    }

    fn tell(&mut self, what: What) {
        self.transcript.push(Line { at: self.now, what });
    }
}

fn command_of(input: &Input) -> Option<Command> {
    match input {
        Input::Operator { command, .. } => Some(*command),
        Input::Tick | Input::Chosen { .. } | Input::FirmwareWithdrawn { .. } => None,
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Decided(decision) => decision.fmt(f),
            What::Refused(command, refusal) => write!(f, "{command:?} refused: {refusal}"),
        }
    }
}
