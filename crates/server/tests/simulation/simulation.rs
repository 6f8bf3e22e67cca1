//! One history: everything that happens, on one line of time and in one order, and what is checked after
//! each of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::firmware::Hardware;
use fleetward_server::app::AppError;
use fleetward_server::config::Config;
use fleetward_server::driver::DriveError;
use fleetward_store::actions::roster_of;
use fleetward_store::devices::{self, Facts, NewDevice};
use fleetward_store::firmware::{self, Firmware};
use fleetward_store::inspect;
use fleetward_store::leases::Lease;
use fleetward_store::{Store, StoreError, Tx};

use crate::chance::Chance;
use crate::checks;
use crate::device::{Device, Move};
use crate::mirror::{Done, Mirror};
use crate::network::Letter;
use crate::office::{Ask, Undertaking};
use crate::process::{Dial, Process};
use crate::scenario::{Character, ENVIRONMENTS, Scenario, Troubles, VERSIONS};
use crate::time::{DAY, HOUR, MINUTE, SECOND, stamp};
use crate::trace::Trace;
use crate::violation::{Checked, Violation, broken, hold, promise};

/// Most steps of a history; one that takes more does not come to rest.
const MOST_STEPS: u64 = 60_000;
/// How long after the last trouble everything has ended or waits for somebody.
const PATIENCE: i64 = 60 * DAY;

/// Something that happens.
pub(crate) enum Event {
    Poll(usize),
    Work(usize, u64, Move),
    Send(Letter),
    Arrive(Letter),
    Ingest,
    Plan(usize),
    Deed,
    Attend,
    Ask(Ask),
    SetClock(i64),
    Rival,
    Restart,
    Carry,
    Calm,
}

/// Why a call of the server failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    Crashed,
    DiskFull,
    Fenced,
    Refused(String),
    /// What no test asked for.
    Unsound(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Crashed => Self::Crashed,
            StoreError::Fenced { .. } => Self::Fenced,
            error => {
                let text = error.to_string();
                if text.contains("disk is full") {
                    Self::DiskFull
                } else {
                    Self::Unsound(text)
                }
            }
        }
    }
}

impl From<AppError> for Trouble {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Store(error) => error.into(),
            error => Self::Refused(error.to_string()),
        }
    }
}

impl From<DriveError> for Trouble {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Store(error) => error.into(),
            DriveError::Refused(refusal) => Self::Unsound(refusal.to_string()),
        }
    }
}

/// What a test makes the server's driver do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    /// It does not look whether it was overtaken.
    SkipGuard,
    /// It offers the update to one more device than the engine asked for.
    OneMore,
}

/// A history.
pub(crate) struct Simulation {
    pub(crate) store: Store,
    pub(crate) config: Arc<Config>,
    pub(crate) dial: Dial,
    pub(crate) now: i64,
    /// How far the server's clock is off.
    pub(crate) offset: i64,
    pub(crate) horizon: i64,
    pub(crate) process: Option<Process>,
    pub(crate) runs: u32,
    pub(crate) fleet: Vec<Device>,
    pub(crate) by_key: BTreeMap<i64, usize>,
    pub(crate) queue: BTreeMap<(i64, u64), Event>,
    events: u64,
    pub(crate) mirror: Mirror,
    place: i64,
    pub(crate) inbox: Vec<Letter>,
    pub(crate) ingest_due: bool,
    pub(crate) serial: u64,
    pub(crate) drive_at: Option<i64>,
    pub(crate) carry_due: bool,
    /// Numbers of events that somebody heard.
    pub(crate) told: BTreeSet<i64>,
    pub(crate) troubles: Troubles,
    crashes: VecDeque<u64>,
    full_disks: VecDeque<u64>,
    pub(crate) undertakings: Vec<Undertaking>,
    pub(crate) deeds: u64,
    /// Requests that were answered, with their keys and answers.
    pub(crate) answered: Vec<(crate::people::Request, String, serde_json::Value)>,
    /// Audit entries found for each request so far.
    pub(crate) entries: HashMap<String, (u64, &'static str)>,
    /// A request that broke off in a crash.
    pub(crate) in_doubt: Option<(String, &'static str)>,
    pub(crate) old_leases: Vec<Lease>,
    pub(crate) misdeed: Option<Misdeed>,
    pub(crate) calm: bool,
    pub(crate) chance: Chance,
    pub(crate) trace: Trace,
}

impl Simulation {
    pub(crate) fn new(scenario: Scenario, seed: u64, keep_trace: bool) -> Self {
        let mut chance = Chance::new(seed ^ 0xF1EE_7000);
        let Scenario {
            config,
            fleet,
            plans,
            deeds,
            horizon,
            troubles,
        } = scenario;
        let fleet: Vec<Device> = fleet
            .into_iter()
            .map(|c| Device::new(c, chance.branch()))
            .collect();
        let store = Store::in_memory().expect("a store in memory");
        let mut simulation = Self {
            store,
            config: Arc::new(config),
            dial: Dial::default(),
            now: 0,
            offset: 0,
            horizon,
            process: None,
            runs: 0,
            fleet,
            by_key: BTreeMap::new(),
            queue: BTreeMap::new(),
            events: 0,
            mirror: Mirror::default(),
            place: 0,
            inbox: Vec::new(),
            ingest_due: false,
            serial: 0,
            drive_at: None,
            carry_due: false,
            told: BTreeSet::new(),
            crashes: troubles.crashes.clone().into(),
            full_disks: troubles.full_disks.clone().into(),
            troubles,
            undertakings: Vec::new(),
            deeds,
            answered: Vec::new(),
            entries: HashMap::new(),
            in_doubt: None,
            old_leases: Vec::new(),
            misdeed: None,
            calm: false,
            chance,
            trace: Trace::new(keep_trace),
        };
        simulation.furnish();
        simulation.schedule(plans);
        simulation
    }

    /// The database before anything happens: images and devices.
    fn furnish(&mut self) {
        let narrow = self.chance.percent(20);
        let now = stamp(0);
        let fleet: Vec<Character> = self
            .fleet
            .iter()
            .map(|device| device.character.clone())
            .collect();
        let write = |tx: &Tx<'_>| {
            inspect::watch(tx)?;
            for version in VERSIONS {
                let pump = Hardware::parse("pump").filter(|_| narrow && version == VERSIONS[3]);
                firmware::insert(tx, &image(version, pump))?;
            }
            for character in &fleet {
                let key = devices::insert(tx, &new_device(character), now)?;
                devices::set_attributes(tx, key, &character.attributes, &facts(character))?;
            }
            Ok::<_, StoreError>(())
        };
        self.store
            .write_now(write)
            .expect("a database that can be furnished");
    }

    fn schedule(&mut self, plans: Vec<(i64, serde_json::Value)>) {
        for (number, (at, plan)) in plans.into_iter().enumerate() {
            self.undertakings.push(Undertaking::of(plan));
            self.at(at, Event::Plan(number));
        }
        for _ in 0..self.deeds {
            let at = self.chance.between(2 * MINUTE, self.horizon);
            self.at(at, Event::Deed);
        }
        if self.chance.percent(60) {
            let first = self.chance.between(MINUTE, 2 * HOUR);
            self.at(first, Event::Attend);
        }
        for (at, by) in self.troubles.clock.clone() {
            self.at(at, Event::SetClock(by));
        }
        for at in self.troubles.rivals.clone() {
            self.at(at, Event::Rival);
        }
        self.at(0, Event::Restart);
        self.at(self.horizon, Event::Calm);
    }

    pub(crate) fn at(&mut self, at: i64, event: Event) {
        self.events += 1;
        self.queue.insert((at.max(self.now), self.events), event);
    }

    pub(crate) fn after(&mut self, wait: i64, event: Event) {
        self.at(self.now.saturating_add(wait), event);
    }

    /// What the server's clock shows.
    pub(crate) fn clock(&self) -> Timestamp {
        stamp(self.now + self.offset)
    }

    /// Lets everything happen.
    pub(crate) fn run(&mut self) -> Checked {
        self.observe()?;
        let end = self.horizon + PATIENCE;
        loop {
            let drive = self.next_drive();
            let event = self.queue.first_key_value().map(|((at, _), _)| *at);
            let next = match (event, drive) {
                (None, None) => break,
                (Some(at), None) | (None, Some(at)) => at,
                (Some(event), Some(drive)) => event.min(drive),
            };
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            self.dial.set(self.clock());
            if drive.is_some_and(|at| at <= self.now) {
                self.drive()?;
            } else if let Some((_, event)) = self.queue.pop_first() {
                self.happen(event)?;
            }
            if self.trace.steps > MOST_STEPS {
                return broken(
                    promise::LIVENESS,
                    format!("no rest after {MOST_STEPS} steps"),
                );
            }
        }
        checks::rest::check(self)
    }

    fn happen(&mut self, event: Event) -> Checked {
        match event {
            Event::Poll(device) => self.poll(device),
            Event::Work(device, number, what) => self.work(device, number, what),
            Event::Send(letter) => {
                self.send(letter);
                Ok(())
            }
            Event::Arrive(letter) => {
                self.arrive(letter);
                Ok(())
            }
            Event::Ingest => self.ingest(),
            Event::Plan(number) => {
                self.undertake(number);
                Ok(())
            }
            Event::Deed => self.deed(),
            Event::Attend => {
                self.attend();
                Ok(())
            }
            Event::Ask(ask) => self.ask(ask),
            Event::SetClock(by) => {
                self.trace
                    .step(self.now, format_args!("the clock is set by {by} ms"));
                self.offset += by;
                Ok(())
            }
            Event::Rival => self.rival(),
            Event::Restart => self.restart(),
            Event::Carry => self.carry(),
            Event::Calm => {
                self.calm_down();
                Ok(())
            }
        }
    }

    /// From now on nothing goes wrong any more.
    fn calm_down(&mut self) {
        self.trace
            .step(self.now, format_args!("from now on all is well"));
        self.calm = true;
        self.crashes.clear();
        self.full_disks.clear();
        self.troubles = Troubles::default();
        for device in &mut self.fleet {
            device.settle_down(self.now);
        }
        self.stir_all();
    }

    /// Has the server do something, in which it may crash or find its disk full.
    pub(crate) fn call<T, E: Into<Trouble>>(
        &mut self,
        work: impl FnOnce(&mut Process) -> Result<T, E>,
    ) -> Checked<Result<T, Trouble>> {
        let Some(process) = &mut self.process else {
            return Ok(Err(Trouble::Crashed));
        };
        let store = self.store.clone();
        let faults = store.faults();
        let before = faults.calls();
        if let Some(calls) = self.crashes.front() {
            faults.crash_at(*calls);
        }
        if let Some(calls) = self.full_disks.front() {
            faults.disk_full_at(*calls);
        }
        let answer = work(process).map_err(Into::into);
        faults.disarm();
        let used = faults.calls() - before;
        let crashed = faults.crashed();
        let filled = matches!(answer, Err(Trouble::DiskFull));
        advance(&mut self.crashes, used, crashed);
        advance(&mut self.full_disks, used, filled);
        self.hear();
        if crashed {
            self.process = None;
            let down = *self.chance.pick(&[0, SECOND, 20 * SECOND, 5 * MINUTE]);
            self.trace
                .step(self.now, format_args!("the server crashes"));
            self.after(down, Event::Restart);
            return Ok(Err(Trouble::Crashed));
        }
        match answer {
            Err(Trouble::Unsound(text)) => broken(promise::SOUND, text),
            answer => Ok(answer),
        }
    }

    /// Starts the server, for the first time or after a crash.
    fn restart(&mut self) -> Checked {
        if self.process.is_some() {
            return Ok(());
        }
        self.store.faults().restart();
        let done = self.observe()?;
        if let Some((key, action)) = self.in_doubt.take() {
            self.count_entries(&key, action, &done);
        }
        self.runs += 1;
        self.trace.step(self.now, format_args!("the server starts"));
        let started = Process::start(&self.store, &self.config, &self.dial, self.runs);
        self.process = Some(started.map_err(|error| Violation {
            promise: promise::SOUND,
            detail: format!("it can't start: {error}"),
        })?);
        self.after(0, Event::Carry);
        let keys: Vec<i64> = self.by_key.keys().copied().collect();
        self.check_memory(&keys)?;
        self.stir_all();
        Ok(())
    }

    /// Looks at what was changed, and checks all of it.
    pub(crate) fn observe(&mut self) -> Checked<Done> {
        let place = self.place;
        let seen = self.store.read_now(|tx| inspect::changes(tx, place));
        let (changes, last) = seen.map_err(|error| Violation {
            promise: promise::SOUND,
            detail: error.to_string(),
        })?;
        if last == place {
            return Ok(Done::default());
        }
        self.place = last;
        if last / 2000 > place / 2000 {
            let forgotten = self.store.write_now(|tx| inspect::forget(tx, last));
            forgotten.expect("a journal that can be cut");
        }
        self.trace.changed(&changes);
        let done = self.mirror.follow(changes)?;
        checks::offers::check(&self.mirror, &self.config, &done)?;
        checks::limits::check(&mut self.mirror, &self.config, &done)?;
        checks::decisions::check(&self.mirror, &done)?;
        for key in &done.executions {
            if let Some(seen) = self.mirror.executions.get(key) {
                checks::counts::check(&self.mirror, *key, seen)?;
            }
        }
        for key in &done.made {
            self.check_approval(*key)?;
        }
        for key in &done.devices {
            let open = self.mirror.open.get(key).map_or(0, BTreeSet::len);
            hold(open <= 1, promise::ONE_OPEN, || {
                format!("device {key} has {open}")
            })?;
            self.acquaint(*key);
        }
        let touched: Vec<i64> = done.devices.iter().copied().collect();
        self.check_memory(&touched)?;
        for key in touched {
            if let Some(device) = self.by_key.get(&key).copied() {
                self.stir(device);
            }
        }
        if !done.decisions.is_empty() && !self.carry_due {
            self.carry_due = true;
            let wait = self.chance.between(0, 5 * SECOND);
            self.after(wait, Event::Carry);
        }
        Ok(done)
    }

    /// Learns the number of a device that became known.
    fn acquaint(&mut self, key: i64) {
        if self.by_key.contains_key(&key) {
            return;
        }
        let Some(row) = self.mirror.devices.get(&key) else {
            return;
        };
        let known = self
            .fleet
            .iter()
            .position(|device| device.character.id == row.device_id);
        if let Some(device) = known {
            self.fleet[device].key = Some(key);
            self.by_key.insert(key, device);
        }
    }

    fn check_approval(&self, execution: i64) -> Checked {
        let found = self.store.read_now(|tx| inspect::agreed(tx, execution));
        let (people, executed) = found.map_err(|error| Violation {
            promise: promise::APPROVAL,
            detail: error.to_string(),
        })?;
        hold(people >= 1 && executed, promise::APPROVAL, || {
            format!("execution {execution}: {people} agreed, executed {executed}")
        })
    }

    /// What polls are answered from is what the database says.
    fn check_memory(&self, keys: &[i64]) -> Checked {
        let Some(process) = &self.process else {
            return Ok(());
        };
        let rows = self
            .store
            .read_now(|tx| roster_of(tx, keys))
            .map_err(|error| Violation {
                promise: promise::MEMORY,
                detail: error.to_string(),
            })?;
        for row in rows {
            let known = process
                .app
                .roster
                .meet(&row.device_id, self.clock(), |_| false);
            let Some((known, _)) = known else {
                return broken(
                    promise::MEMORY,
                    format!("{} is not in memory", row.device_id),
                );
            };
            let same = known.device_key == row.device_key
                && *known.environment == row.environment
                && known.wants_attributes == row.wants_attributes
                && known.straggles == row.straggles
                && known.action == row.action;
            hold(same, promise::MEMORY, || format!("{known:?} and {row:?}"))?;
        }
        Ok(())
    }
}

/// Counts the calls until the next fault down.
fn advance(faults: &mut VecDeque<u64>, used: u64, happened: bool) {
    if happened {
        faults.pop_front();
    } else if let Some(left) = faults.front_mut() {
        *left = left.saturating_sub(used).max(1);
    }
}

pub(crate) fn new_device(character: &Character) -> NewDevice {
    NewDevice {
        device_id: character.id.clone(),
        environment: ENVIRONMENTS[character.environment].to_owned(),
        model: character.model.to_owned(),
        revision: character.revision.to_owned(),
        version: character.version.to_owned(),
        groups: character.groups.clone(),
        can_stage: character.stages,
        ..NewDevice::default()
    }
}

pub(crate) fn facts(character: &Character) -> Facts<'_> {
    Facts {
        model: Some(character.model),
        revision: Some(character.revision),
        version: None,
        client: None,
        can_stage: Some(character.stages),
        security_floor: None,
    }
}

fn image(version: &str, hardware: Option<Hardware>) -> Firmware {
    Firmware {
        firmware_key: 0,
        firmware_id: format!("fw_{version}"),
        version: version.to_owned(),
        name: "os".to_owned(),
        format: "raw".to_owned(),
        file_name: "os.bin".to_owned(),
        size: 10,
        sha256: version.to_owned(),
        sha1: String::new(),
        md5: String::new(),
        hardware: hardware.into_iter().collect(),
        signed: false,
        findings: Vec::new(),
        withdrawn: None,
        created_at: stamp(0),
        created_by: "ann".to_owned(),
    }
}
