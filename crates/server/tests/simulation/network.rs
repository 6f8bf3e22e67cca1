//! What devices do and say, and how it reaches the server: late, twice, in another order, or not at all.

use fleetward_core::device::{ActionState, AttemptKind, Class, Report};
use fleetward_core::ids::ActionId;
use fleetward_server::devices::arrivals;
use fleetward_server::ingest::{Incoming, ingest_group, moved};
use fleetward_store::Tx;
use fleetward_store::actions::OpenAction;
use fleetward_store::devices::{self, Facts};
use fleetward_store::reports::{Applied, DeviceReport};

use crate::device::{Device, Move, Offer};
use crate::process::ready;
use crate::scenario::VERSIONS;
use crate::simulation::{Event, Simulation};
use crate::time::{DAY, SECOND};
use crate::violation::{Checked, hold, promise};

/// One report on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter {
    pub(crate) device: usize,
    pub(crate) action: u32,
    pub(crate) report: Report,
    pub(crate) serial: u64,
    pub(crate) purpose: Purpose,
}

/// What a device does when a report is acknowledged, or is not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Nothing.
    Tell,
    /// It asked what to do, and begins with it.
    Begin(Offer),
    /// It repeats until it is acknowledged.
    Conclude,
    /// The same, for the answer to a cancellation.
    Answer,
    /// It was sent before, and comes again.
    Echo,
}

impl Simulation {
    /// Has devices poll that would find something.
    pub(crate) fn stir_all(&mut self) {
        for device in 0..self.fleet.len() {
            self.stir(device);
        }
    }

    /// Has a device poll at its next time, if it would find something then. Polls that find nothing
    /// change nothing and are left out.
    pub(crate) fn stir(&mut self, device: usize) {
        let Some(process) = &self.process else { return };
        let this = &self.fleet[device];
        if this.next_poll.is_some() {
            return;
        }
        let known = process
            .app
            .roster
            .meet(&this.character.id, self.clock(), |_| false);
        let Some((known, _)) = known else { return };
        let wanted = known.straggles == Some(Class::Absent)
            || known.wants_attributes
            || known.action.is_some_and(|action| this.would_heed(&action));
        if let Some(at) = this.poll_after(self.now).filter(|_| wanted) {
            self.fleet[device].next_poll = Some(at);
            self.at(at, Event::Poll(device));
        }
    }

    pub(crate) fn poll(&mut self, device: usize) -> Checked {
        let this = &mut self.fleet[device];
        this.next_poll = None;
        let (id, key) = (this.character.id.clone(), this.key);
        if this.reachable(self.now) != Some(self.now) {
            self.stir(device);
            return Ok(());
        }
        let Some(process) = &self.process else {
            if let Some(at) = this.poll_after(self.now) {
                this.next_poll = Some(at);
                self.at(at, Event::Poll(device));
            }
            return Ok(());
        };
        let Some((known, _)) = process.app.roster.meet(&id, self.clock(), |_| true) else {
            return Ok(());
        };
        self.trace.step(self.now, format_args!("{id} polls"));
        if let Some(key) = key.filter(|_| known.straggles == Some(Class::Absent)) {
            let noted = self.call(|process| ready(arrivals::note(&process.app, &id, key)))?;
            if noted.is_err() {
                self.after_trouble(device)?;
                return Ok(());
            }
            self.observe()?;
        }
        if let Some(action) = known.action {
            self.heed(device, action)?;
        }
        if known.wants_attributes {
            self.introduce(device)?;
        }
        self.stir(device);
        Ok(())
    }

    fn after_trouble(&mut self, device: usize) -> Checked {
        if self.process.is_some() {
            self.observe()?;
            self.stir(device);
        }
        Ok(())
    }

    /// A device says what it is and runs, as its configuration data.
    fn introduce(&mut self, device: usize) -> Checked {
        let this = &self.fleet[device];
        let (id, version) = (this.character.id.clone(), this.version);
        let character = this.character.clone();
        let describe = move |tx: &Tx<'_>, known: devices::Device| {
            let facts = Facts {
                version: Some(version),
                ..crate::simulation::facts(&character)
            };
            devices::set_attributes(tx, known.device_key, &character.attributes, &facts)
        };
        let said = self.call(|process| ready(arrivals::described(&process.app, &id, describe)))?;
        if said.is_err() {
            return self.after_trouble(device);
        }
        self.observe().map(drop)
    }

    /// Does what an answer to a poll says.
    fn heed(&mut self, device: usize, action: OpenAction) -> Checked {
        let id = action.action_id.0;
        let execution = self
            .mirror
            .actions
            .get(&id)
            .map_or(0, |row| row.execution_key);
        let this = &mut self.fleet[device];
        if !this.would_heed(&action) {
            let again = this.concluded.contains(&id) && action.state == ActionState::Open;
            return hold(!again, promise::KEPT, || {
                format!(
                    "{} said how {action:?} ended, and is offered it still",
                    this.character.id
                )
            });
        }
        if action.state == ActionState::Cancelling {
            let agrees = this.agrees_to_stop(id);
            this.answered.insert(id);
            if agrees {
                this.drop_work(id);
            }
            let report = if agrees {
                Report::CancelAccepted
            } else {
                Report::CancelRefused
            };
            self.write(device, id, report, Purpose::Answer);
            return Ok(());
        }
        let offer = Offer {
            action: id,
            execution,
            kind: action.kind,
            staging: action.staging,
            target: VERSIONS[action.firmware_key as usize - 1],
        };
        if this.slot == Some(id) {
            this.switch(offer);
            self.next_move(device);
            return Ok(());
        }
        if this.work.is_some() && !this.turns_to_something_else() {
            return Ok(());
        }
        if action.fetched {
            this.begin(offer);
            self.next_move(device);
        } else {
            this.asking.insert(id);
            self.write(device, id, Report::Retrieved, Purpose::Begin(offer));
        }
        Ok(())
    }

    /// A device is about to do the next of what it began.
    fn next_move(&mut self, device: usize) {
        let Some(work) = &mut self.fleet[device].work else {
            return;
        };
        let number = work.number;
        match work.next() {
            Some((wait, what)) => self.after(wait.max(1), Event::Work(device, number, what)),
            None => {
                self.fleet[device].work = None;
                self.stir(device);
            }
        }
    }

    pub(crate) fn work(&mut self, device: usize, number: u64, what: Move) -> Checked {
        let now = self.now;
        let this = &mut self.fleet[device];
        let Some(work) = this.work.as_mut().filter(|work| work.number == number) else {
            return Ok(());
        };
        let (action, target) = (work.action, work.target);
        self.trace.step(
            now,
            format_args!("{}: {what:?} of {action}", this.character.id),
        );
        match what {
            Move::Say(report) => {
                work.committed |= report == Report::Rebooting;
                self.write(device, action, report, Purpose::Tell);
            }
            Move::Install => {
                work.committed = true;
                let kind = self.mirror.actions.get(&action).map(|row| row.kind);
                this.brought_by =
                    Some(work.execution).filter(|_| kind == Some(AttemptKind::Deploy));
                this.version = target;
            }
            Move::Fill => this.slot = Some(action),
            Move::Vanish(span) => this.vanish(now, span),
            Move::Conclude(report) => {
                this.saying.insert(action);
                self.write(device, action, report, Purpose::Conclude);
            }
        }
        self.next_move(device);
        Ok(())
    }

    fn write(&mut self, device: usize, action: u32, report: Report, purpose: Purpose) {
        self.serial += 1;
        let letter = Letter {
            device,
            action,
            report,
            serial: self.serial,
            purpose,
        };
        self.send(letter);
    }

    pub(crate) fn send(&mut self, letter: Letter) {
        let Some(there) = self.fleet[letter.device].reachable(self.now) else {
            return;
        };
        if there > self.now {
            match letter.purpose {
                Purpose::Tell | Purpose::Echo => {}
                Purpose::Begin(_) => self.give_up_asking(letter),
                Purpose::Conclude | Purpose::Answer => self.at(there, Event::Send(letter)),
            }
            return;
        }
        if self.chance.percent(self.troubles.lost) {
            self.not_acknowledged(letter);
            return;
        }
        let travel = if self.troubles.lost > 0 {
            self.chance.between(0, 3 * SECOND)
        } else {
            0
        };
        self.after(travel, Event::Arrive(letter));
        if self.chance.percent(self.troubles.echoes) {
            let later = *self.chance.pick(&[SECOND, 60 * SECOND, DAY / 12, 2 * DAY]);
            let echo = Letter {
                purpose: Purpose::Echo,
                ..letter
            };
            let later = self.chance.between(1, later);
            self.after(later, Event::Arrive(echo));
        }
    }

    fn give_up_asking(&mut self, letter: Letter) {
        self.fleet[letter.device].asking.remove(&letter.action);
        self.stir(letter.device);
    }

    fn not_acknowledged(&mut self, letter: Letter) {
        match letter.purpose {
            Purpose::Tell | Purpose::Echo => {}
            Purpose::Begin(_) => self.give_up_asking(letter),
            Purpose::Conclude | Purpose::Answer => {
                let wait = self.chance.between(5 * SECOND, 60 * SECOND);
                self.serial += 1;
                let again = Letter {
                    serial: self.serial,
                    ..letter
                };
                self.after(wait, Event::Send(again));
            }
        }
    }

    pub(crate) fn arrive(&mut self, letter: Letter) {
        if self.process.is_none() {
            self.not_acknowledged(letter);
            return;
        }
        self.inbox.push(letter);
        if !self.ingest_due {
            self.ingest_due = true;
            let wait = *self.chance.pick(&[0, 0, 10, 300]);
            self.after(wait, Event::Ingest);
        }
    }

    pub(crate) fn ingest(&mut self) -> Checked {
        self.ingest_due = false;
        let letters = std::mem::take(&mut self.inbox);
        let Some(process) = &self.process else {
            letters
                .into_iter()
                .for_each(|letter| self.not_acknowledged(letter));
            return Ok(());
        };
        let known = |letter: &&Letter| self.fleet[letter.device].key.is_some();
        let incoming: Vec<Incoming> = letters
            .iter()
            .filter(known)
            .map(|l| incoming(l, &self.fleet))
            .collect();
        let (app, count) = (std::sync::Arc::clone(&process.app), incoming.len());
        self.trace.step(
            self.now,
            format_args!("{count} reports: {}", told(&letters)),
        );
        let stored =
            self.call(|_| ready(ingest_group(&app.store, &app.roster, incoming, &app.clock)))?;
        let Ok(applied) = stored else {
            if self.process.is_some() {
                self.observe()?;
            }
            letters
                .into_iter()
                .for_each(|letter| self.not_acknowledged(letter));
            return Ok(());
        };
        app.wakes.wake(moved(&applied));
        self.observe()?;
        self.check_applied(&letters, &applied)?;
        for (letter, applied) in letters.into_iter().zip(applied) {
            if self.chance.percent(self.troubles.lost) {
                self.not_acknowledged(letter);
            } else {
                self.acknowledged(letter, applied);
            }
        }
        Ok(())
    }

    /// What was acknowledged is in the database.
    fn check_applied(&self, letters: &[Letter], applied: &[Applied]) -> Checked {
        let mut last = std::collections::BTreeMap::new();
        for (letter, applied) in letters.iter().zip(applied) {
            let Applied::Changed {
                execution_key,
                change,
                ..
            } = applied
            else {
                continue;
            };
            let detail = detail(letter.serial);
            hold(
                self.mirror.messages.contains(&detail),
                promise::KEPT,
                || format!("{letter:?} was acknowledged and is not there"),
            )?;
            let key = self.fleet[letter.device].key.unwrap_or_default();
            last.insert((*execution_key, key), (letter, change));
        }
        for (key, (letter, change)) in last {
            let found = self
                .mirror
                .members
                .get(&key)
                .map(|member| member.row.status);
            hold(found == Some(change.status), promise::KEPT, || {
                format!(
                    "{letter:?} changed {key:?} to {}, and it is {found:?}",
                    change.status
                )
            })?;
        }
        Ok(())
    }

    fn acknowledged(&mut self, letter: Letter, applied: Applied) {
        let Letter { device, action, .. } = letter;
        let this = &mut self.fleet[device];
        match letter.purpose {
            Purpose::Tell | Purpose::Echo => {}
            Purpose::Begin(offer) => {
                this.asking.remove(&action);
                let still = matches!(applied, Applied::Changed { change, .. } if !change.late);
                if still && !this.begun.contains(&action) {
                    this.begin(offer);
                    self.next_move(device);
                }
            }
            Purpose::Conclude => {
                this.saying.remove(&action);
                if letter.report != Report::Downloaded {
                    this.concluded.insert(action);
                }
            }
            Purpose::Answer => {
                if letter.report == Report::CancelRefused {
                    this.answered.remove(&action);
                }
            }
        }
        self.stir(device);
    }
}

impl Device {
    /// Whether it would do anything about what is open for it.
    fn would_heed(&self, action: &OpenAction) -> bool {
        let id = action.action_id.0;
        let busy_with_it = self.work.as_ref().is_some_and(|work| work.action == id);
        match action.state {
            ActionState::Cancelling => !self.answered.contains(&id) && !self.saying.contains(&id),
            ActionState::Open if self.slot == Some(id) => {
                !action.staging && !busy_with_it && !self.saying.contains(&id)
            }
            ActionState::Open => !self.begun.contains(&id) && !self.asking.contains(&id),
            ActionState::Closed => false,
        }
    }
}

fn incoming(letter: &Letter, fleet: &[Device]) -> Incoming {
    let device = &fleet[letter.device];
    Incoming {
        device_id: device.character.id.as_str().into(),
        report: DeviceReport {
            device_key: device.key.unwrap_or_default(),
            action: ActionId(letter.action),
            report: letter.report,
            detail: detail(letter.serial),
        },
    }
}

/// What tells a report from every other.
fn detail(serial: u64) -> String {
    format!("[\"{serial}\"]")
}

fn told(letters: &[Letter]) -> String {
    let each = letters
        .iter()
        .map(|letter| format!("{}/{:?}", letter.action, letter.report));
    each.collect::<Vec<_>>().join(" ")
}
