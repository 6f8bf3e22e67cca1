//! A rollout on imagined devices in virtual time, run by the real engine.
//!
//! It is the reference for what effects mean: the store does in SQL what [`World`] does device by
//! device.

mod world;

pub use world::{Behaviour, Course, Device, World};

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::engine::{Command, Decision, Input, Refusal, Rollout};

/// A rollout being rehearsed.
pub struct Rehearsal {
    rollout: Rollout,
    world: World,
    now: Timestamp,
    agenda: BTreeMap<(Timestamp, u64), Event>,
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

#[derive(Clone, Debug)]
enum Event {
    Report { device: usize, course: Course },
    Operator(Command, String),
}

/// Most steps of the engine at one moment; more would be a loop.
const STEPS_AT_ONCE: usize = 1_000;

impl Rehearsal {
    /// A rehearsal of `rollout` on the devices of `world`, beginning at `start`.
    #[must_use]
    pub const fn new(rollout: Rollout, world: World, start: Timestamp) -> Self {
        Self {
            rollout,
            world,
            now: start,
            agenda: BTreeMap::new(),
            next_event: 0,
            transcript: Vec::new(),
        }
    }

    /// Has a person give a command at a moment to come.
    pub fn command_at(&mut self, at: Timestamp, command: Command, by: &str) {
        self.schedule(at, Event::Operator(command, by.to_owned()));
    }

    /// Runs until nothing more would happen by itself, or until `end`.
    ///
    /// # Panics
    /// When the engine goes round in circles.
    pub fn run(&mut self, end: Timestamp) {
        self.settle(Input::Tick);
        while let Some(at) = self.next_moment().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            match self
                .agenda
                .first_entry()
                .filter(|event| event.key().0 <= self.now)
            {
                Some(entry) => match entry.remove() {
                    Event::Report { device, course } => {
                        self.world
                            .report(device, course, &self.rollout.order, self.now);
                        self.settle(Input::Tick);
                    }
                    Event::Operator(command, by) => self.settle(Input::Operator { command, by }),
                },
                None => self.settle(Input::Tick),
            }
        }
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

    /// What happened so far.
    #[must_use]
    pub fn transcript(&self) -> &[Line] {
        &self.transcript
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let timer = self
            .rollout
            .next_wakeup(&self.world.census())
            .map(|(at, _)| at);
        let event = self.agenda.first_key_value().map(|((at, _), _)| *at);
        [timer, event].into_iter().flatten().min()
    }

    fn settle(&mut self, first: Input) {
        let mut input = first;
        for _ in 0..STEPS_AT_ONCE {
            let census = self.world.census();
            let step = match self.rollout.handle(input.clone(), &census, self.now) {
                Ok(step) => step,
                Err(refusal) => {
                    if let Input::Operator { command, .. } = input {
                        self.tell(What::Refused(command, refusal));
                    }
                    return;
                }
            };
            let ticked = input == Input::Tick;
            input = Input::Tick;
            if step.is_empty() && ticked {
                return;
            }
            for decision in step.decisions {
                self.tell(What::Decided(decision));
            }
            for effect in step.effects {
                for (device, follow) in self.world.carry_out(effect, &self.rollout.order, self.now)
                {
                    self.expect_of(device, follow);
                }
            }
        }
        panic!(
            "the engine goes round in circles in {:?}",
            self.rollout.phase
        );
    }

    fn expect_of(&mut self, device: usize, courses: Vec<Course>) {
        for course in courses {
            let at = course.after.after(self.now);
            self.schedule(at, Event::Report { device, course });
        }
    }

    fn schedule(&mut self, at: Timestamp, event: Event) {
        self.agenda.insert((at, self.next_event), event);
        self.next_event += 1;
    }

    fn tell(&mut self, what: What) {
        self.transcript.push(Line { at: self.now, what });
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
