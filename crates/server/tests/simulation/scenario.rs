//! What a seed makes up: environments and their rules, a fleet, plans, and how much goes wrong.

use std::collections::BTreeMap;

use fleetward_server::config::{Config, Environment, FreezePeriod};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::time::{DAY, HOUR, MINUTE, SECOND, stamp};

/// The environments of every history.
pub(crate) const ENVIRONMENTS: [&str; 2] = ["bench", "field"];
/// Versions with an image; the last of them is the one that devices often fail with.
pub(crate) const VERSIONS: [&str; 5] = ["1.0.0", "1.5.0", "2.0.0", "2.1.0", "2.2.0"];
const SITES: [&str; 3] = ["north", "south", "east"];
const ZONES: [&str; 3] = ["Europe/Berlin", "Asia/Tokyo", "America/New_York"];

/// Everything that is decided before a history begins.
pub(crate) struct Scenario {
    pub(crate) config: Config,
    pub(crate) fleet: Vec<Character>,
    /// When each plan is made, and what it says.
    pub(crate) plans: Vec<(i64, Value)>,
    /// How many further things people do.
    pub(crate) deeds: u64,
    /// Nothing goes wrong and nobody does anything after this, in milliseconds from the start.
    pub(crate) horizon: i64,
    pub(crate) troubles: Troubles,
}

/// How much goes wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles {
    /// Crashes of the server, each after so many calls of the store since the one before.
    pub(crate) crashes: Vec<u64>,
    /// Full disks, the same way.
    pub(crate) full_disks: Vec<u64>,
    /// Reports in a hundred that are lost on their way, and as many acknowledgements.
    pub(crate) lost: u64,
    /// Reports in a hundred that come again later.
    pub(crate) echoes: u64,
    /// When the clock is set, and by how much.
    pub(crate) clock: Vec<(i64, i64)>,
    /// When a second driver tries.
    pub(crate) rivals: Vec<i64>,
    /// The driver is slow to look.
    pub(crate) slow: bool,
}

/// What a device is like.
#[derive(Clone, Debug)]
pub(crate) struct Character {
    pub(crate) id: String,
    pub(crate) environment: usize,
    pub(crate) model: &'static str,
    pub(crate) revision: &'static str,
    pub(crate) groups: Vec<String>,
    pub(crate) version: &'static str,
    pub(crate) attributes: BTreeMap<String, String>,
    /// It says that it can fill a slot without switching to it.
    pub(crate) stages: bool,
    /// It says so, and then takes such an offer for done.
    pub(crate) skips: bool,
    /// Milliseconds between polls.
    pub(crate) period: i64,
    pub(crate) phase: i64,
    /// Milliseconds that a whole update takes.
    pub(crate) takes: i64,
    /// When it can't be reached.
    pub(crate) away: Vec<(i64, i64)>,
    /// Out of a hundred updates to each version, those that fail.
    pub(crate) fails: BTreeMap<&'static str, u64>,
    /// Out of a hundred, those after which it is silent.
    pub(crate) falls_silent: u64,
    /// Out of a hundred ways back, those that fail.
    pub(crate) fails_back: u64,
    /// Out of a hundred, how often it refuses to stop.
    pub(crate) refuses: u64,
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let horizon = match chance.below(10) {
            0..=5 => chance.between(2 * HOUR, 12 * HOUR),
            6..=8 => chance.between(12 * HOUR, 3 * DAY),
            _ => chance.between(3 * DAY, 30 * DAY),
        };
        let devices = match chance.below(20) {
            0..=13 => chance.between(5, 20),
            14..=18 => chance.between(20, 45),
            _ => chance.between(45, 120),
        };
        let config = config(&mut chance);
        let nature = Nature::of(&mut chance);
        let fleet = (0..devices).map(|n| character(n as usize, &nature, horizon, &mut chance));
        let fleet: Vec<_> = fleet.collect();
        let plans = plans(horizon, fleet.len() as i64, &mut chance);
        let deeds = if chance.percent(40) {
            chance.below(4)
        } else {
            3 + chance.below(12)
        };
        let troubles = troubles(horizon, &mut chance);
        Self {
            config,
            fleet,
            plans,
            deeds,
            horizon,
            troubles,
        }
    }
}

/// What all devices of a fleet have in common.
struct Nature {
    stages: u64,
    skips: u64,
    fails: BTreeMap<&'static str, u64>,
    falls_silent: u64,
    fails_back: u64,
    goes_away: u64,
    /// Times are whole multiples of this, so that many devices report together.
    beat: i64,
    odd_version: u64,
}

impl Nature {
    fn of(chance: &mut Chance) -> Self {
        let mut fails = BTreeMap::new();
        for version in VERSIONS {
            let usual = *chance.pick(&[0, 0, 0, 2, 5, 15]);
            fails.insert(version, usual);
        }
        fails.insert(VERSIONS[4], *chance.pick(&[20, 40, 60, 100]));
        Self {
            stages: *chance.pick(&[0, 50, 90, 100]),
            skips: *chance.pick(&[0, 0, 0, 20]),
            fails,
            falls_silent: *chance.pick(&[0, 0, 0, 5, 20, 60]),
            fails_back: *chance.pick(&[0, 0, 10, 50]),
            goes_away: *chance.pick(&[0, 0, 10, 30]),
            beat: *chance.pick(&[30 * SECOND, 30 * SECOND, MINUTE, 7 * SECOND]),
            odd_version: *chance.pick(&[0, 0, 10]),
        }
    }
}

fn character(number: usize, nature: &Nature, horizon: i64, chance: &mut Chance) -> Character {
    let mut attributes = BTreeMap::new();
    if chance.percent(80) {
        attributes.insert("site".to_owned(), (*chance.pick(&SITES)).to_owned());
    }
    if chance.percent(70) {
        attributes.insert("timezone".to_owned(), (*chance.pick(&ZONES)).to_owned());
    }
    let stages = chance.percent(nature.stages);
    attributes.insert("fleetward.staging".to_owned(), stages.to_string());
    let version = match chance.below(100) {
        roll if roll < nature.odd_version => *chance.pick(&["", "0.9.0", "2.0.0"]),
        roll if roll < 85 => "1.0.0",
        _ => "1.5.0",
    };
    let groups = (0..2).filter(|_| chance.percent(50)).collect::<Vec<_>>();
    let mut away = Vec::new();
    if chance.percent(nature.goes_away) {
        for _ in 0..=chance.below(3) {
            let from = chance.between(0, horizon);
            let until = match chance.below(12) {
                0 => i64::MAX,
                1..=6 => from + chance.between(MINUTE, HOUR),
                _ => from + chance.between(HOUR, DAY),
            };
            away.push((from, until));
        }
    }
    let beats = chance.between(1, 20);
    Character {
        id: format!("device-{number}"),
        environment: chance.percent(70).into(),
        model: *chance.pick(&["pump", "pump", "valve"]),
        revision: *chance.pick(&["A", "B"]),
        groups: groups.iter().map(|n| format!("group-{n}")).collect(),
        version,
        attributes,
        stages,
        skips: stages && chance.percent(nature.skips),
        period: nature.beat * chance.between(1, 4),
        phase: if chance.percent(50) {
            0
        } else {
            chance.between(0, nature.beat)
        },
        takes: nature.beat * beats,
        away,
        fails: nature.fails.clone(),
        falls_silent: nature.falls_silent,
        fails_back: nature.fails_back,
        refuses: *chance.pick(&[0, 30, 100]),
    }
}

fn config(chance: &mut Chance) -> Config {
    let mut environments = BTreeMap::new();
    for (number, name) in ENVIRONMENTS.into_iter().enumerate() {
        let mut made = json!({
            "stage": if number == 0 { "testing" } else { "production" },
            "approval_required": number == 1,
            "auto_rollback": chance.percent(60),
            "promotion": "off",
            "enrollment": "open",
            "rollback_timeout": chance.between(120, 7200),
        });
        if chance.percent(25) {
            made["max_concurrent_deployments"] = json!(chance.between(1, 2));
        }
        if chance.percent(20) {
            made["blast_radius"] = json!(chance.between(1, 25));
        }
        if chance.percent(10) {
            made["security_floor"] = json!("1.0.0");
        }
        if chance.percent(25) {
            let windows = (0..=chance.below(2)).map(|_| window(chance));
            made["deployment_windows"] = windows.collect();
            made["window_timezone"] = json!(chance.pick(&["environment", "device"]));
        }
        let mut made: Environment = serde_json::from_value(made).expect("an environment");
        if chance.percent(10) {
            made.freeze_periods.push(freeze_period(chance));
        }
        environments.insert(name.to_owned(), made);
    }
    let mut config = Config {
        environments,
        ..Config::default()
    };
    config.performance.max_concurrent_deployments = chance.between(1, 3) as u32;
    config.approvals.four_eyes = Some(false);
    config.approvals.required = 1;
    if chance.percent(8) {
        config.freeze_periods.push(freeze_period(chance));
    }
    config
}

fn freeze_period(chance: &mut Chance) -> FreezePeriod {
    let from = chance.between(-HOUR, DAY);
    let until = from + chance.between(MINUTE, DAY);
    FreezePeriod {
        from: stamp(from).to_string(),
        until: stamp(until).to_string(),
        reason: "planned".to_owned(),
    }
}

fn window(chance: &mut Chance) -> Value {
    let start = chance.below(24);
    let end = (start + 1 + chance.below(22)) % 24;
    json!({
        "start_time": format!("{start:02}:00"),
        "end_time": format!("{end:02}:30"),
        "timezone": chance.pick(&["UTC", "America/New_York"]),
    })
}

fn plans(horizon: i64, devices: i64, chance: &mut Chance) -> Vec<(i64, Value)> {
    let number = 1 + *chance.pick(&[0, 0, 0, 1, 1, 2]);
    (0..number)
        .map(|n| {
            let at = if n == 0 {
                MINUTE
            } else {
                chance.between(0, horizon / 2)
            };
            (at, plan(n, at, devices, chance))
        })
        .collect()
}

fn plan(number: usize, at: i64, devices: i64, chance: &mut Chance) -> Value {
    let environment = usize::from(chance.percent(70));
    let version = *chance.pick(&VERSIONS[2..]);
    let strategy = *chance.pick(&[
        "canary",
        "canary",
        "rolling",
        "rolling",
        "immediate",
        "blue_green",
    ]);
    let mut plan = json!({
        "name": format!("plan {number}"), "firmware_version": version,
        "target_environment": ENVIRONMENTS[environment], "strategy": strategy,
        "monitor_seconds": chance.between(0, 900),
        "device_timeout": chance.between(300, 7200),
        "rollback_criteria": criteria(chance),
        "auto_rollback": chance.percent(70),
        "offline_policy": chance.pick(&["late", "late", "skip", "wait"]),
        "on_pass": chance.pick(&["continue", "continue", "continue", "pause"]),
        "on_inconclusive": chance.pick(&["pause", "continue", "continue", "rollback"]),
        "dynamic": chance.percent(40),
    });
    match strategy {
        "canary" => {
            plan["canary_percentage"] = json!(chance.between(5, 30));
            plan["canary_steps"] = json!([40, 100]);
        }
        "rolling" => plan["batch_size"] = json!(chance.between(1, 1 + devices / 2)),
        _ => {}
    }
    if chance.percent(20) {
        plan["rollout_percentage"] = json!(chance.between(30, 100));
    }
    if chance.percent(20) {
        plan["device_groups"] = json!(["group-0"]);
    }
    pace(&mut plan, devices, chance);
    if chance.percent(35) {
        plan["retries"] = retries(chance);
    }
    if chance.percent(15) {
        plan["stepping_stones"] = json!(["1.5.0"]);
    }
    if chance.percent(15) {
        plan["deployment_timeout"] = json!(chance.between(600, 100_000));
    }
    if chance.percent(12) {
        let begins = at + chance.between(-HOUR, 5 * HOUR);
        plan["schedule"] = json!({ "at": stamp(begins).to_string() });
    }
    plan
}

fn criteria(chance: &mut Chance) -> Value {
    let mut criteria = json!({ "min_judged": chance.between(0, 100) });
    if chance.percent(85) {
        criteria["max_failure_rate"] = json!(chance.between(1, 45));
        criteria["judgement"] = json!(chance.pick(&["threshold", "threshold", "sequential"]));
    }
    if chance.percent(20) {
        let kind = *chance.pick(&[
            "install_failed",
            "updated_then_silent",
            "timed_out",
            "never_contacted",
        ]);
        let limit = json!({ "max_rate": chance.between(0, 50), "min_count": chance.between(1, 4) });
        criteria["failure_limits"] = json!({ kind: limit });
    }
    criteria
}

fn retries(chance: &mut Chance) -> Value {
    let mut retries = json!({});
    for kind in [
        "install_failed",
        "rolled_back_on_device",
        "updated_then_silent",
        "timed_out",
    ] {
        if chance.percent(50) {
            retries[kind] =
                json!({ "times": chance.between(1, 3), "backoff": chance.between(10, 2000) });
        }
    }
    retries
}

fn pace(plan: &mut Value, devices: i64, chance: &mut Chance) {
    if chance.percent(35) {
        plan["max_in_flight"] = json!(chance.between(1, 1 + devices / 3));
    }
    if chance.percent(20) {
        let mut rate = json!({ "per_minute": chance.between(1, 30) });
        if chance.percent(40) {
            rate["factor"] = json!(1.5);
            rate["every"] = json!(chance.between(1, 10));
            rate["counting"] = json!(chance.pick(&["notified", "succeeded"]));
        }
        plan["rate"] = rate;
    }
    if chance.percent(25) {
        plan["failure_domain"] =
            json!({ "attribute": "site", "max_percentage": chance.between(1, 70) });
    }
}

fn troubles(horizon: i64, chance: &mut Chance) -> Troubles {
    let times = |most: u64, chance: &mut Chance| -> Vec<i64> {
        let number = chance.below(most + 1);
        (0..number).map(|_| chance.between(0, horizon)).collect()
    };
    let crashes = if chance.percent(60) {
        1 + chance.below(6)
    } else {
        0
    };
    let full = if chance.percent(25) {
        1 + chance.below(4)
    } else {
        0
    };
    Troubles {
        crashes: (0..crashes).map(|_| 1 + chance.below(1500)).collect(),
        full_disks: (0..full).map(|_| 1 + chance.below(1500)).collect(),
        lost: *chance.pick(&[0, 0, 5, 25]),
        echoes: *chance.pick(&[0, 5, 30]),
        clock: if chance.percent(20) {
            let steps = times(4, chance);
            steps
                .into_iter()
                .map(|at| (at, chance.between(-8 * MINUTE, 8 * MINUTE)))
                .collect()
        } else {
            Vec::new()
        },
        rivals: if chance.percent(30) {
            times(6, chance)
        } else {
            Vec::new()
        },
        slow: chance.percent(40),
    }
}
