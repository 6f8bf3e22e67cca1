//! How long simulations take, printed and not judged: `cargo test --release --test simulate_speed --
//! --nocapture`, with `SIMULATE_DEVICES` for other sizes.
#![expect(clippy::print_stdout, reason = "the figures are to be read")]
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(clippy::disallowed_methods, reason = "time is measured")]

use std::time::Instant;

use fleetward_core::Timestamp;
use fleetward_core::engine::Surroundings;
use fleetward_core::percent::Percent;
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Fleet, Place, Rates, Simulated, Simulation};
use fleetward_core::seconds::Seconds;
use serde_json::{Value, json};

fn devices() -> u64 {
    let wanted = std::env::var("SIMULATE_DEVICES").ok();
    let usual = if cfg!(debug_assertions) {
        3_000
    } else {
        1_000_000
    };
    wanted.map_or(usual, |text| text.parse().unwrap())
}

fn plan(more: Value) -> Plan {
    let mut plan = json!({
        "name": "Speed", "firmware_version": "2", "target_environment": "field",
        "strategy": "canary", "rollout_percentage": 100, "canary_percentage": 10,
        "canary_steps": [25, 50, 100], "batch_percentage": 1, "monitor_seconds": 600,
        "rollback_criteria": {"max_failure_rate": 5}, "auto_rollback": true,
        "device_timeout": 3600, "rollback_timeout": 1800, "offline_policy": "late",
    });
    let Value::Object(fields) = more else {
        panic!("no object");
    };
    plan.as_object_mut().unwrap().extend(fields);
    serde_json::from_value(plan).unwrap()
}

fn time(what: &str, plan: &Plan, places: impl Fn(u64) -> Place, failure: u32) -> Simulated {
    let devices = devices();
    let zones = ["Europe/Berlin", "Asia/Tokyo", "America/New_York", "UTC"];
    let fleet = Fleet {
        waves: plan.waves(devices),
        places: (0..devices).map(places).collect(),
        zones: zones.map(String::from).to_vec(),
    };
    let rates = Rates {
        failure: Percent::whole(failure),
        silence: Percent::whole(1),
        offline: Percent::whole(10),
        slowness: Percent::whole(5),
        ..Rates::default()
    };
    let simulation = Simulation {
        plan,
        fleet: &fleet,
        rates,
        around: Surroundings::default(),
        start: Timestamp::UNIX_EPOCH,
        at_most: Seconds(365 * 86_400),
    };
    let began = Instant::now();
    let simulated = simulation.run(1);
    let took = began.elapsed();
    println!(
        "{what}: {devices} devices in {} waves, {}: {took:.2?}",
        fleet.waves.len(),
        simulated.ending
    );
    simulated
}

#[test]
fn a_canary() {
    let plan = plan(json!({}));
    let simulated = time("canary", &plan, |_| Place::default(), 1);
    assert_eq!(simulated.ending, "succeeded");
    let sequential = json!({"max_failure_rate": 5, "judgement": "sequential"});
    let plan = self::plan(json!({"rollback_criteria": sequential}));
    let simulated = time("canary, sequential", &plan, |_| Place::default(), 1);
    assert_eq!(simulated.ending, "succeeded");
}

#[test]
fn a_canary_that_goes_back() {
    let plan =
        plan(json!({"strategy": "immediate", "rollback_criteria": {"max_failure_rate": 20}}));
    let simulated = time("rolled back", &plan, |_| Place::default(), 23);
    assert_eq!(simulated.updated, 0);
}

#[test]
fn a_rollout_in_a_hundred_waves() {
    let plan = plan(json!({
        "strategy": "rolling", "monitor_seconds": 0, "rollback_criteria": {"max_failure_rate": 40},
    }));
    let simulated = time("rolling", &plan, |_| Place::default(), 1);
    assert_eq!(simulated.ending, "succeeded");
}

#[test]
fn a_rollout_with_a_pace() {
    let rate = json!({"per_minute": 1_000, "growth": {"factor": 1.5, "every": 1_000, "counting": "succeeded"}});
    let pace = json!({"max_in_flight": 20_000, "rate": rate});
    let plan = plan(json!({"pace": pace}));
    let simulated = time("paced", &plan, |_| Place::default(), 1);
    assert_eq!(simulated.ending, "succeeded");
}

#[test]
fn a_rollout_by_places_and_zones() {
    let plan = plan(json!({
        "pace": {"failure_domain": {"attribute": "site", "max_percentage": 10}},
        "calendar": {
            "windows": [{"start_time": "22:00", "end_time": "06:00", "timezone": "UTC"}],
            "window_timezone": "device",
        },
    }));
    let place = |n: u64| Place {
        zone: (n % 4) as u16,
        domain: Some((n % 997) as u32),
    };
    let simulated = time("places and zones", &plan, place, 1);
    assert_eq!(simulated.ending, "succeeded");
}
