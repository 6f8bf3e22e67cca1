//! Fleets of a few devices in a store in memory, chosen for one execution, and what the store says of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus, Report};
use fleetward_core::engine::{Census, Effect, Order, Phase, Recipients, Rollout, UnfetchedFate};
use fleetward_core::ids::{ActionId, WaveIndex};
use fleetward_core::plan::{Plan, PlanState, Review};
use fleetward_core::version::stones_to_pass;
use fleetward_store::actions::{OpenAction, RosterRow, roster_after};
use fleetward_store::assignments::Assignment;
use fleetward_store::devices::{Device, Facts, NewDevice};
use fleetward_store::effects::{Target, carry_out};
use fleetward_store::executions::Execution;
use fleetward_store::firmware::Firmware;
use fleetward_store::page::Page;
use fleetward_store::plans::StoredPlan;
use fleetward_store::reports::{Applied, DeviceReport, apply};
use fleetward_store::{
    Store, StoreError, Tx, assignments, comers, devices, executions, firmware, plans, spread,
    tallies,
};

/// The versions whose images are here; that of `0.9.0` is not.
pub(crate) const IMAGES: [&str; 4] = ["1.0.0", "1.5.0", "1.7.0", NEW];
/// The version that executions bring.
pub(crate) const NEW: &str = "2.0.0";

/// A device to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) wave: u32,
    pub(crate) version: &'static str,
    pub(crate) domain: Option<&'static str>,
    pub(crate) zone: Option<&'static str>,
    pub(crate) can_stage: bool,
    pub(crate) floor: Option<&'static str>,
}

impl Member {
    /// A device of a wave that runs 1.0.0 and of which nothing else is known.
    pub(crate) const fn of(wave: u32) -> Self {
        Self {
            wave,
            version: "1.0.0",
            domain: None,
            zone: None,
            can_stage: false,
            floor: None,
        }
    }

    pub(crate) const fn on(version: &'static str) -> Self {
        Self {
            version,
            ..Self::of(0)
        }
    }

    pub(crate) const fn at(wave: u32, domain: &'static str) -> Self {
        Self {
            domain: Some(domain),
            ..Self::of(wave)
        }
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        let named = [("rack", self.domain), ("timezone", self.zone)];
        let known = named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        known
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// An execution over a few devices, whose numbers begin at 1 and follow the order of the members.
pub(crate) struct Fleet {
    pub(crate) store: Store,
    pub(crate) target: Target,
    pub(crate) plan: Plan,
    pub(crate) order: Order,
    pub(crate) waves: usize,
}

/// What a fleet's plan says beside what every plan must.
pub(crate) type Wishes = serde_json::Value;

pub(crate) fn plan(wishes: &Wishes) -> Plan {
    let mut plan = serde_json::json!({
        "name": "Fleet", "firmware_version": NEW, "target_environment": "field",
        "strategy": "rolling", "rollout_percentage": 100, "canary_percentage": 10,
        "canary_steps": [100], "batch_percentage": 50, "monitor_seconds": 0,
        "rollback_criteria": {"max_failure_rate": 10}, "auto_rollback": true,
        "device_timeout": 3600, "rollback_timeout": 600, "offline_policy": "late",
    });
    for (name, wish) in wishes.as_object().into_iter().flatten() {
        plan[name] = wish.clone();
    }
    serde_json::from_value(plan).unwrap()
}

/// Windows that are open at all times, on each device's own clock.
pub(crate) fn own_clocks() -> Wishes {
    serde_json::json!({
        "windows": [{"start_time": "00:00", "end_time": "24:00", "timezone": "UTC"}],
        "window_timezone": "device",
    })
}

pub(crate) fn racks(percent: u32) -> Wishes {
    serde_json::json!({"failure_domain": {"attribute": "rack", "max_percentage": percent}})
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

impl Fleet {
    pub(crate) fn new(wishes: &Wishes, members: &[Member]) -> Self {
        let line: Vec<i64> = (1..=members.len() as i64).collect();
        Self::in_line(wishes, members, &line)
    }

    /// The same, with the devices of each wave in the order of this list of all.
    pub(crate) fn in_line(wishes: &Wishes, members: &[Member], line: &[i64]) -> Self {
        let store = Store::in_memory().unwrap();
        store
            .write_now(|tx| {
                for version in IMAGES {
                    firmware::insert(tx, &image(version))?;
                }
                for (number, member) in members.iter().enumerate() {
                    add_device(tx, &format!("dev-{}", number + 1), member)?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
        let waves = members
            .iter()
            .map(|m| m.wave as usize + 1)
            .max()
            .unwrap_or(1);
        let wave_of = |key: i64| members[key as usize - 1].wave as usize;
        let in_wave = |wave| {
            line.iter()
                .copied()
                .filter(|key| wave_of(*key) == wave)
                .collect()
        };
        let chosen: Vec<Vec<i64>> = (0..waves).map(in_wave).collect();
        Self::start(store, plan(wishes), &chosen)
    }

    /// Another execution over devices of the same store.
    pub(crate) fn start(store: Store, plan: Plan, chosen: &[Vec<i64>]) -> Self {
        let fleet = Self::start_kept(store, plan, chosen);
        fleet.write(|tx| assignments::write_out(tx, None, u32::MAX));
        fleet
    }

    /// The same, and all waves but the first are kept as lists.
    pub(crate) fn start_kept(store: Store, plan: Plan, chosen: &[Vec<i64>]) -> Self {
        let sizes: Vec<u64> = chosen.iter().map(|wave| wave.len() as u64).collect();
        let rollout = Rollout::new(&plan, &sizes);
        let order = rollout.order.clone();
        let target = store
            .write_now(|tx| {
                let target = insert(tx, &plan, rollout)?;
                spread::mind(tx, target.execution_key, &order)?;
                lay_stones(tx, target.execution_key, &plan, chosen)?;
                assignments::choose(tx, target.execution_key, chosen, at(0))?;
                Ok::<_, StoreError>(target)
            })
            .unwrap();
        Self {
            store,
            target,
            plan,
            order,
            waves: chosen.len(),
        }
    }

    /// The rollout goes to a phase.
    pub(crate) fn enter(&self, phase: Phase, second: i64) {
        self.write(|tx| {
            let key = self.target.execution_key;
            let mut execution = executions::by_key(tx, key)?.expect("it was started");
            execution.rollout.phase = phase;
            executions::save(tx, key, &execution.rollout, at(second))
        });
    }

    pub(crate) fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
        self.store.write_now(work).unwrap()
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> T {
        self.store.read_now(work).unwrap()
    }

    pub(crate) fn effect(&self, effect: &Effect, now: Timestamp) -> Vec<i64> {
        self.write(|tx| carry_out(tx, self.target, effect, &self.order, now))
    }

    /// What an effect would answer with, had it been carried out.
    pub(crate) fn would(&self, effect: &Effect, now: Timestamp) -> Vec<i64> {
        let mut answer = Vec::new();
        let undone = self.store.write_now(|tx| {
            answer = carry_out(tx, self.target, effect, &self.order, now)?;
            Err::<(), _>(StoreError::NotStored)
        });
        assert!(matches!(undone, Err(StoreError::NotStored)), "{undone:?}");
        answer
    }

    /// A device reports on what is open for it.
    pub(crate) fn report(&self, device_key: i64, report: Report, second: i64) -> Applied {
        let action = self
            .open(device_key)
            .expect("nothing is open for the device");
        self.report_on(device_key, action.action_id, report, second)
    }

    pub(crate) fn report_on(
        &self,
        device_key: i64,
        action: ActionId,
        report: Report,
        second: i64,
    ) -> Applied {
        let report = DeviceReport {
            device_key,
            action,
            report,
            detail: "[]".into(),
        };
        self.write(|tx| apply(tx, &[report], at(second)))[0]
    }

    /// The devices fetch what is open for them and report the same result.
    pub(crate) fn end(&self, devices: &[i64], result: Report, second: i64) {
        for device in devices {
            self.report(*device, Report::Retrieved, second);
            self.report(*device, result, second);
        }
    }

    pub(crate) fn arrived(&self, devices: &[i64], second: i64) -> Vec<i64> {
        self.write(|tx| comers::arrived(tx, devices, at(second)))
    }

    /// Every device's row, by number: what is open for a device, and for one device once only.
    pub(crate) fn roster(&self) -> BTreeMap<i64, RosterRow> {
        let rows = self.read(|tx| roster_after(tx, 0, 10_000));
        let mut roster = BTreeMap::new();
        for row in rows {
            let key = row.device_key;
            let twice = roster.insert(key, row);
            assert!(twice.is_none(), "two attempts are open for device {key}");
        }
        roster
    }

    pub(crate) fn open(&self, device_key: i64) -> Option<OpenAction> {
        self.roster().get(&device_key).and_then(|row| row.action)
    }

    /// The version that is offered to a device.
    pub(crate) fn offered(&self, device_key: i64) -> Option<String> {
        let action = self.open(device_key)?;
        let image = self.read(|tx| firmware::by_key(tx, action.firmware_key));
        image.map(|image| image.version)
    }

    pub(crate) fn device(&self, device_key: i64) -> Device {
        let id = format!("dev-{device_key}");
        self.read(|tx| devices::find(tx, &id)).unwrap()
    }

    pub(crate) fn rows(&self) -> BTreeMap<i64, Assignment> {
        let all = Page {
            after: None,
            limit: 10_000,
        };
        let key = self.target.execution_key;
        let rows = self.read(|tx| assignments::of_execution(tx, key, None, None, all));
        rows.rows
            .into_iter()
            .map(|row| (row.device_key, row))
            .collect()
    }

    pub(crate) fn row(&self, device_key: i64) -> Assignment {
        self.rows().remove(&device_key).unwrap()
    }

    pub(crate) fn status(&self, device_key: i64) -> DeviceStatus {
        self.row(device_key).status
    }

    pub(crate) fn class(&self, device_key: i64) -> Class {
        self.row(device_key).class
    }

    /// The counts, after a comparison with a count of the rows.
    pub(crate) fn census(&self) -> Census {
        let (key, waves) = (self.target.execution_key, self.waves);
        let census = self.read(|tx| tallies::census(tx, key, waves));
        let mut counted = vec![fleetward_core::engine::Tally::default(); waves];
        for row in self.rows().values() {
            let slot = fleetward_core::engine::Slot {
                status: row.status,
                class: row.class,
                failure: row.failure,
            };
            counted[row.wave as usize].add(slot, 1);
        }
        assert_eq!(census.waves, counted, "counts and rows differ");
        census
    }
}

pub(crate) fn to(to: Recipients, at_most: u64, zones: Option<&[&str]>) -> Effect {
    Effect::Offer {
        to,
        at_most,
        zones: zones.map(|zones| zones.iter().map(|&zone| zone.to_owned()).collect()),
    }
}

/// An offer to all devices of the waves up to this one.
pub(crate) fn offer(through: u32) -> Effect {
    offer_to(through, u64::MAX)
}

pub(crate) fn offer_to(through: u32, at_most: u64) -> Effect {
    to(waves(through), at_most, None)
}

pub(crate) const fn waves(through: u32) -> Recipients {
    Recipients::Waves {
        through: WaveIndex(through),
        staging: false,
    }
}

pub(crate) const fn staging(through: u32) -> Recipients {
    Recipients::Waves {
        through: WaveIndex(through),
        staging: true,
    }
}

pub(crate) fn stragglers(joined: bool) -> Effect {
    to(Recipients::Stragglers { joined }, u64::MAX, None)
}

/// Those that never came lose their offer and get one when they come.
pub(crate) const LATE: Effect = Effect::Expire {
    unfetched: UnfetchedFate::Late,
};

pub(crate) fn recall(at_most: u64, second: i64) -> Effect {
    Effect::Recall {
        at_most,
        deadline: at(second),
    }
}

pub(crate) fn image(version: &str) -> Firmware {
    Firmware {
        firmware_key: 0,
        firmware_id: format!("fw_{version}"),
        version: version.into(),
        name: "os".into(),
        format: "raw".into(),
        file_name: format!("{version}.bin"),
        size: 10,
        sha256: format!("sha256 of {version}"),
        sha1: "1".into(),
        md5: "5".into(),
        hardware: Vec::new(),
        signed: false,
        findings: Vec::new(),
        withdrawn: None,
        created_at: at(0),
        created_by: "ann".into(),
    }
}

/// Makes a device known, with its attributes; answers with its number.
pub(crate) fn add_device(tx: &Tx<'_>, id: &str, member: &Member) -> Result<i64, StoreError> {
    let device = NewDevice {
        device_id: id.into(),
        environment: "field".into(),
        version: member.version.into(),
        can_stage: member.can_stage,
        ..NewDevice::default()
    };
    let key = devices::insert(tx, &device, at(0))?;
    let facts = Facts {
        security_floor: member.floor,
        ..Facts::default()
    };
    devices::set_attributes(tx, key, &member.attributes(), &facts)?;
    Ok(key)
}

/// Stores an approved plan, whose name no other has, and an execution of it.
pub(crate) fn insert(tx: &Tx<'_>, plan: &Plan, rollout: Rollout) -> Result<Target, StoreError> {
    let stored = StoredPlan {
        plan_key: 0,
        plan_id: format!("plan_{}", plan.name),
        state: PlanState::Approved,
        plan: plan.clone(),
        digest: "d".into(),
        created_at: at(0),
        created_by: "ann".into(),
        approved: None,
        comment: None,
        revision: 1,
        expires_at: None,
        devices: None,
        review: Review::None,
    };
    let plan_key = plans::insert(tx, &stored)?;
    let image = firmware::find(tx, &plan.firmware_version)?;
    let firmware_key = image.expect("the image is here").firmware_key;
    let execution = Execution {
        execution_key: 0,
        execution_id: format!("exec_{plan_key}"),
        plan_key,
        plan_id: stored.plan_id,
        environment: plan.target_environment.clone(),
        firmware_key,
        devices: rollout.waves.iter().map(|wave| wave.size).sum(),
        rollout,
        excluded: BTreeMap::new(),
        created_at: at(0),
        created_by: "ann".into(),
        finished_at: None,
    };
    let execution_key = executions::insert(tx, &execution)?;
    Ok(Target {
        execution_key,
        firmware_key,
    })
}

fn lay_stones(
    tx: &Tx<'_>,
    execution_key: i64,
    plan: &Plan,
    chosen: &[Vec<i64>],
) -> Result<(), StoreError> {
    let mut stones = Vec::new();
    for version in &plan.stepping_stones {
        let image = firmware::find(tx, version)?;
        stones.push(image.expect("the image is here").firmware_key);
    }
    let wanted: BTreeSet<i64> = chosen.iter().flatten().copied().collect();
    let mut passing = Vec::new();
    for row in roster_after(tx, 0, 10_000)? {
        let device = devices::find(tx, &row.device_id)?.expect("it is on the roster");
        let stones = stones_to_pass(&device.version, &plan.stepping_stones, NEW);
        if stones > 0 && wanted.contains(&device.device_key) {
            passing.push((device.device_key, stones as u64));
        }
    }
    spread::lay_stones(tx, execution_key, &stones, &passing)
}
