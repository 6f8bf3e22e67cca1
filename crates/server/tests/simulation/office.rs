//! When people do what, and what becomes of it.

use fleetward_core::engine::{Command, Phase};
use fleetward_server::api::types::{DeviceChange, NewDeviceRequest, NewFreezeRequest};
use serde_json::Value;

use crate::device::Device;
use crate::mirror::Done;
use crate::people::Request;
use crate::scenario::ENVIRONMENTS;
use crate::simulation::{Event, Simulation, Trouble};
use crate::time::{DAY, HOUR, MINUTE, SECOND, stamp};
use crate::violation::{Checked, hold, promise};

/// A plan on its way to an execution.
pub(crate) struct Undertaking {
    wish: Value,
    plan_id: Option<String>,
    approved: bool,
    pub(crate) refused: bool,
    executed: bool,
    steps: u32,
}

/// A request that is made until it is answered.
pub(crate) struct Ask {
    pub(crate) request: Request,
    pub(crate) key: String,
    /// Whose next step it is.
    undertaking: Option<usize>,
}

impl Undertaking {
    pub(crate) const fn of(wish: Value) -> Self {
        Self {
            wish,
            plan_id: None,
            approved: false,
            refused: false,
            executed: false,
            steps: 0,
        }
    }
}

impl Simulation {
    /// The next step of a plan.
    pub(crate) fn undertake(&mut self, number: usize) {
        let hasty = self.chance.percent(10);
        let this = &mut self.undertakings[number];
        let request = match &this.plan_id {
            _ if this.refused || this.executed => return,
            None => {
                let request = serde_json::from_value(this.wish.clone());
                Request::Plan(Box::new(request.expect("a request for a plan")))
            }
            Some(id) if !(this.approved || hasty && this.steps < 2) => Request::Approve(id.clone()),
            Some(id) => Request::Execute(id.clone()),
        };
        this.steps += 1;
        let key = format!("plan {number} step {}", this.steps);
        self.after(
            0,
            Event::Ask(Ask {
                request,
                key,
                undertaking: Some(number),
            }),
        );
    }

    /// Somebody looks after executions that wait.
    pub(crate) fn attend(&mut self) {
        let waiting: Vec<String> = self
            .mirror
            .executions
            .values()
            .filter(|seen| matches!(seen.rollout.phase, Phase::Halted { .. }))
            .map(|seen| seen.row.execution_id.clone())
            .collect();
        for id in waiting {
            let command = *self.chance.pick(&[
                Command::Resume,
                Command::Resume,
                Command::Resume,
                Command::Rollback,
            ]);
            self.wish(Request::Command(id, command));
        }
        let next = self.chance.between(10 * MINUTE, 6 * HOUR);
        if self.now + next < self.horizon {
            self.after(next, Event::Attend);
        }
    }

    fn wish(&mut self, request: Request) {
        self.serial += 1;
        let ask = Ask {
            request,
            key: format!("wish {}", self.serial),
            undertaking: None,
        };
        self.after(0, Event::Ask(ask));
    }

    /// Somebody does something.
    pub(crate) fn deed(&mut self) -> Checked {
        match self.chance.below(20) {
            0..=7 => self.wish_command(),
            8..=11 => self.wish_freeze(),
            12..=13 => self.wish_move(),
            14..=15 => self.wish_device(),
            _ => return self.repeat(),
        }
        Ok(())
    }

    fn wish_command(&mut self) {
        let ids: Vec<String> = self
            .mirror
            .executions
            .values()
            .map(|seen| seen.row.execution_id.clone())
            .collect();
        if ids.is_empty() {
            return;
        }
        let id = self.chance.pick(&ids).clone();
        let command = *self.chance.pick(&[
            Command::Pause,
            Command::Pause,
            Command::Resume,
            Command::Resume,
            Command::Resume,
            Command::Rollback,
            Command::Cancel,
        ]);
        self.wish(Request::Command(id, command));
    }

    fn wish_freeze(&mut self) {
        let standing =
            self.answered
                .iter()
                .rev()
                .filter_map(|(request, _, answer)| match request {
                    Request::Freeze(_) => answer["freeze_id"].as_str().map(str::to_owned),
                    Request::Plan(_)
                    | Request::Approve(_)
                    | Request::Execute(_)
                    | Request::Command(..)
                    | Request::Lift(_)
                    | Request::Move(..)
                    | Request::Add(_) => None,
                });
        let standing: Vec<String> = standing.collect();
        if !standing.is_empty() && self.chance.percent(60) {
            let id = self.chance.pick(&standing).clone();
            self.wish(Request::Lift(id));
            return;
        }
        let environment = self
            .chance
            .percent(60)
            .then(|| (*self.chance.pick(&ENVIRONMENTS)).to_owned());
        let lasts = self.chance.between(MINUTE, DAY);
        let until = self
            .chance
            .percent(85)
            .then(|| stamp(self.now + self.offset + lasts).to_string());
        self.wish(Request::Freeze(NewFreezeRequest {
            environment,
            from: None,
            until,
            reason: "something is wrong".to_owned(),
        }));
    }

    fn wish_move(&mut self) {
        let device = self.chance.below(self.fleet.len() as u64) as usize;
        let id = self.fleet[device].character.id.clone();
        let change = if self.chance.percent(70) {
            DeviceChange {
                environment: Some((*self.chance.pick(&ENVIRONMENTS)).to_owned()),
                groups: None,
            }
        } else {
            DeviceChange {
                environment: None,
                groups: Some(vec!["group-0".to_owned()]),
            }
        };
        self.wish(Request::Move(id, change));
    }

    fn wish_device(&mut self) {
        let mut chance = self.chance.branch();
        let model = chance.below(self.fleet.len() as u64) as usize;
        let mut character = self.fleet[model].character.clone();
        character.id = format!("device-{}", self.fleet.len());
        let request = NewDeviceRequest {
            device_id: character.id.clone(),
            environment: ENVIRONMENTS[character.environment].to_owned(),
            token: Some("0123456789abcdef".to_owned()),
            model: Some(character.model.to_owned()),
            revision: Some(character.revision.to_owned()),
            groups: Some(character.groups.clone()),
        };
        self.fleet.push(Device::new(character, chance));
        self.wish(Request::Add(request));
    }

    /// A request comes again, as from a client that heard no answer.
    fn repeat(&mut self) -> Checked {
        if self.answered.is_empty() || self.process.is_none() {
            return Ok(());
        }
        let index = self.chance.below(self.answered.len() as u64) as usize;
        let (request, key, answer) = self.answered[index].clone();
        self.trace
            .step(self.now, format_args!("again: {}", request.name()));
        let again = self.call(|process| request.make(process, Some(&key)))?;
        let crashed = matches!(again, Err(Trouble::Crashed));
        match again {
            Ok(again) => {
                let same = again == answer;
                hold(same, promise::SAME_ANSWER, || {
                    format!("{answer} and then {again}")
                })?;
            }
            Err(Trouble::Refused(why)) => {
                hold(false, promise::SAME_ANSWER, || {
                    format!("{answer} and then refused: {why}")
                })?;
            }
            Err(_) => {}
        }
        if crashed {
            return Ok(());
        }
        let done = self.observe()?;
        hold(done.audits.is_empty(), promise::SAME_ANSWER, || {
            format!("a repeat did something: {:?}", done.audits)
        })
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> Checked {
        if self.process.is_none() {
            self.after(20 * SECOND, Event::Ask(ask));
            return Ok(());
        }
        self.trace
            .step(self.now, format_args!("ann asks: {}", ask.request.name()));
        let action = ask.request.audited();
        let answer = self.call(|process| ask.request.make(process, Some(&ask.key)))?;
        if matches!(answer, Err(Trouble::Crashed)) {
            self.in_doubt = Some((ask.key.clone(), action));
            self.after(30 * SECOND, Event::Ask(ask));
            return Ok(());
        }
        let done = self.observe()?;
        self.count_entries(&ask.key, action, &done);
        match answer {
            Ok(answer) => self.answered(ask, answer),
            Err(Trouble::Refused(why)) => {
                self.trace
                    .step(self.now, format_args!("refused: {}", plain(&why)));
                let changed = done.decisions.is_empty() && done.offers.is_empty();
                hold(changed, promise::SOUND, || {
                    "a refused request did something".to_owned()
                })?;
                self.refused(&ask);
                Ok(())
            }
            Err(Trouble::DiskFull | Trouble::Crashed | Trouble::Fenced | Trouble::Unsound(_)) => {
                self.after(10 * SECOND, Event::Ask(ask));
                Ok(())
            }
        }
    }

    /// Counts the audit entries that a request left so far.
    pub(crate) fn count_entries(&mut self, key: &str, action: &'static str, done: &Done) {
        let found = done
            .audits
            .iter()
            .filter(|(actor, entry, _)| actor == "ann" && entry == action);
        let found = found.count() as u64;
        let known = self.entries.entry(key.to_owned()).or_insert((0, action));
        known.0 += found;
    }

    fn answered(&mut self, ask: Ask, answer: Value) -> Checked {
        let Ask {
            request,
            key,
            undertaking,
        } = ask;
        let (found, action) = self.entries.remove(&key).unwrap_or((0, ""));
        let enough = found == 1 || found == 0 && request.may_be_needless();
        hold(enough, promise::AUDIT, || {
            format!("{found} entries of `{action}` for one request")
        })?;
        if let Some(number) = undertaking {
            let this = &mut self.undertakings[number];
            match &request {
                Request::Plan(_) => {
                    this.plan_id = answer["plan_id"].as_str().map(str::to_owned);
                    this.approved = answer["status"] == "approved";
                }
                Request::Approve(_) => this.approved = true,
                Request::Execute(_) => this.executed = true,
                Request::Command(..)
                | Request::Freeze(_)
                | Request::Lift(_)
                | Request::Move(..)
                | Request::Add(_) => {}
            }
            let wait = self.chance.between(SECOND, 10 * MINUTE);
            self.after(wait, Event::Plan(number));
        }
        if let Request::Execute(_) = &request {
            let id = answer["execution_id"].as_str().unwrap_or_default();
            let there = self
                .mirror
                .executions
                .values()
                .any(|seen| seen.row.execution_id == id);
            hold(there, promise::KEPT, || {
                format!("{answer} was answered and is not there")
            })?;
        }
        self.answered.push((request, key, answer));
        Ok(())
    }

    fn refused(&mut self, ask: &Ask) {
        let Some(number) = ask.undertaking else {
            return;
        };
        let this = &mut self.undertakings[number];
        match &ask.request {
            // Executed before it was approved: rightly refused, and done properly now.
            Request::Execute(_) if !this.approved => self.after(MINUTE, Event::Plan(number)),
            Request::Execute(_) if this.steps < 8 => self.after(3 * HOUR, Event::Plan(number)),
            Request::Plan(_)
            | Request::Approve(_)
            | Request::Execute(_)
            | Request::Command(..)
            | Request::Freeze(_)
            | Request::Lift(_)
            | Request::Move(..)
            | Request::Add(_) => this.refused = true,
        }
    }
}

/// A text without the names that are different in every run.
fn plain(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        if word.contains("plan_") || word.contains("exec_") {
            "…"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
