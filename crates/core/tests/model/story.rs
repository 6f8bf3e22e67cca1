//! Random plans, fleets and events.

use std::fmt;

use fleetward_core::Timestamp;
use fleetward_core::device::Report;
use fleetward_core::engine::{Command, Freeze, Queue, Rollout, Surroundings};
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Behaviour, Rehearsal, World};
use fleetward_core::seconds::Seconds;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// The zones of the devices, an unknown one among them.
const ZONES: [&str; 3] = ["Europe/Berlin", "Asia/Tokyo", ""];

/// Everything that happens in one history.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) plan: Plan,
    devices: Vec<Behaviour>,
    starts_at: Option<u32>,
    events: Vec<(u32, Happening)>,
    stays: Surroundings,
}

#[derive(Clone, Debug)]
enum Happening {
    Command(Command),
    Around(Surroundings),
    Joins(Behaviour),
    Withdrawn,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", serde_json::to_string(&self.plan).unwrap())?;
        writeln!(f, "starts at {:?}, stays {:?}", self.starts_at, self.stays)?;
        for device in &self.devices {
            writeln!(f, "{device:?}")?;
        }
        for event in &self.events {
            writeln!(f, "{event:?}")?;
        }
        Ok(())
    }
}

impl Story {
    /// The moment of the last event, after which what holds outside is as it stays.
    pub(crate) fn last_event(&self) -> Timestamp {
        let last = self.events.iter().map(|(at, _)| *at).max();
        Seconds(last.unwrap_or(0).max(self.starts_at.unwrap_or(0)) + 1).after(START)
    }

    /// When the firmware was withdrawn, if it was.
    pub(crate) fn withdrawn_at(&self) -> Option<Timestamp> {
        let withdrawn = |event: &&(u32, Happening)| matches!(event.1, Happening::Withdrawn);
        let first = self
            .events
            .iter()
            .filter(withdrawn)
            .map(|(at, _)| *at)
            .min();
        first.map(|at| Seconds(at).after(START))
    }

    pub(crate) fn rehearsal(&self) -> Rehearsal {
        let sizes = self.plan.waves(self.devices.len() as u64);
        let mut rest = self.devices.as_slice();
        let waves: Vec<Vec<Behaviour>> = sizes
            .iter()
            .map(|&size| {
                let (wave, others) = rest.split_at(size as usize);
                rest = others;
                wave.to_vec()
            })
            .collect();
        let zones = ZONES.map(String::from).to_vec();
        let starts_at = self.starts_at.map(|at| Seconds(at).after(START));
        let rollout = Rollout::queued(&self.plan, starts_at);
        let mut rehearsal = Rehearsal::new(rollout, World::in_zones(&waves, zones), START);
        for (at, event) in &self.events {
            let at = Seconds(*at).after(START);
            match event {
                Happening::Command(command) => rehearsal.command_at(at, *command, "ann"),
                Happening::Around(around) => rehearsal.surround_at(at, around.clone()),
                Happening::Joins(behaviour) => rehearsal.join_at(at, *behaviour),
                Happening::Withdrawn => rehearsal.withdraw_firmware_at(at, "bob"),
            }
        }
        rehearsal.surround_at(self.last_event(), self.stays.clone());
        rehearsal
    }
}

/// When every history begins.
pub(crate) const START: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn story() -> impl Strategy<Value = Story> {
    let stays = prop_oneof![4 => Just(Surroundings::default()), 1 => around()];
    (
        plan(),
        fleet(),
        weighted(0.2, 0u32..100_000),
        prop::collection::vec((0u32..60_000, happening()), 0..7),
        stays,
    )
        .prop_map(|(plan, devices, starts_at, events, stays)| Story {
            plan,
            devices,
            starts_at,
            events,
            stays,
        })
}

/// Mostly small, where everything can be looked at; sometimes large enough for a rollback in portions.
fn fleet() -> impl Strategy<Value = Vec<Behaviour>> {
    let times = prop_oneof![12 => Just(1usize), 1 => 4usize..10];
    let quality = prop_oneof![1u32..4, 20u32..60];
    let devices = quality.prop_flat_map(|good| prop::collection::vec(behaviour(good), 1..40));
    (devices, times).prop_map(|(devices, times)| devices.repeat(times))
}

fn happening() -> impl Strategy<Value = Happening> {
    let commands = vec![
        Command::Pause,
        Command::Resume,
        Command::Resume,
        Command::Resume,
        Command::Cancel,
        Command::Rollback,
    ];
    prop_oneof![
        5 => select(commands).prop_map(Happening::Command),
        3 => around().prop_map(Happening::Around),
        3 => behaviour(4).prop_map(Happening::Joins),
        1 => Just(Happening::Withdrawn),
    ]
}

fn around() -> impl Strategy<Value = Surroundings> {
    let until = weighted(0.5, 0u32..80_000);
    let freeze = weighted(0.3, until).prop_map(|freeze| {
        freeze.map(|until| Freeze {
            reason: "holidays".into(),
            until: until.map(|at| Seconds(at).after(START)),
        })
    });
    let queue = weighted(
        0.2,
        Just(Queue {
            ahead: 1,
            running: 1,
            limit: 1,
            environment: None,
        }),
    );
    (freeze, queue, 0u64..20).prop_map(|(freeze, queue, unproven_elsewhere)| Surroundings {
        freeze,
        queue,
        unproven_elsewhere,
    })
}

/// A device that succeeds `good` times in a few more.
fn behaviour(good: u32) -> impl Strategy<Value = Behaviour> {
    let result = prop_oneof![
        good * 2 => Just(Some(Report::Succeeded)),
        2 => Just(Some(Report::Failed)),
        1 => Just(None),
    ];
    let back = prop_oneof![
        6 => Just(Some(Report::Succeeded)),
        1 => Just(Some(Report::Failed)),
        1 => Just(None),
    ];
    let comes = prop_oneof![
        good => (0u32..600).prop_map(Some),
        1 => Just(None),
        2 => (3000u32..90_000).prop_map(Some),
    ];
    let traits = any::<[bool; 4]>();
    let place = (weighted(0.7, 0u32..4), 0u16..3);
    let times = (
        comes,
        1u32..5000,
        prop_oneof![good => Just(0u8), 1 => 1u8..4],
    );
    (times, result, back, traits, place).prop_map(
        |((comes, takes, fails_first), result, back, traits, (domain, zone))| {
            let [can_stage, refuses_to_stop, reports_twice, restarts] = traits;
            Behaviour {
                comes_after: comes.map(Seconds),
                takes: Seconds(takes),
                result,
                restarts,
                fails_first,
                back,
                can_stage,
                refuses_to_stop,
                reports_twice,
                domain,
                zone,
            }
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    (waves(), judging(), pace(), times()).prop_filter_map("a sound plan", |parts| {
        let mut plan = json!({
            "name": "Model", "firmware_version": "2", "target_environment": "field",
        });
        let (waves, judging, pace, times) = parts;
        for part in [waves, judging, json!({"pace": pace}), times] {
            let Value::Object(fields) = part else {
                panic!("no object")
            };
            plan.as_object_mut().unwrap().extend(fields);
        }
        let plan: Plan = serde_json::from_value(plan).unwrap();
        plan.problems().is_empty().then_some(plan)
    })
}

fn waves() -> impl Strategy<Value = Value> {
    let strategies = vec!["canary", "rolling", "immediate", "blue_green", "blue_green"];
    let flags = any::<[bool; 2]>();
    (
        select(strategies),
        1u32..=100,
        1u32..=100,
        weighted(0.2, 1u64..30),
        flags,
    )
        .prop_map(
            |(strategy, share, batch, blast_radius, [dynamic, emergency])| {
                json!({
                    "strategy": strategy, "rollout_percentage": share.max(40),
                    "canary_percentage": 10, "canary_steps": [30, 100], "batch_percentage": batch,
                    "blast_radius": blast_radius, "dynamic": dynamic,
                    "emergency": emergency && share > 80,
                })
            },
        )
}

fn judging() -> impl Strategy<Value = Value> {
    let judgement = select(vec!["threshold", "sequential"]);
    let kinds = vec![
        "install_failed",
        "rolled_back_on_device",
        "updated_then_silent",
        "timed_out",
    ];
    let limited = select([kinds.clone(), vec!["never_contacted"]].concat());
    let limit =
        (0u32..60, 1u64..5).prop_map(|(rate, least)| json!({"max_rate": rate, "min_count": least}));
    let limits = prop::collection::btree_map(limited, limit, 0..2);
    let retry =
        (0u32..4, 0u32..2000).prop_map(|(times, wait)| json!({"times": times, "backoff": wait}));
    let retries = prop::collection::btree_map(select(kinds), retry, 0..3);
    let after = (
        any::<bool>(),
        select(vec!["continue", "continue", "continue", "pause"]),
        select(vec!["pause", "continue", "continue", "rollback"]),
    );
    (weighted(0.85, 1u32..45), judgement, limits, 0u32..=100, after, retries).prop_map(
        |(rate, judgement, limits, min_judged, (auto, on_pass, on_inconclusive), retries)| {
            json!({
                "rollback_criteria": {
                    "max_failure_rate": rate, "min_judged": min_judged, "failure_limits": limits,
                    "judgement": if rate.is_some() { judgement } else { "threshold" },
                },
                "auto_rollback": auto, "on_pass": on_pass, "on_inconclusive": on_inconclusive,
                "retries": retries,
            })
        },
    )
}

fn pace() -> impl Strategy<Value = Value> {
    let growth = (2u32..40, 1u64..15, any::<bool>(), weighted(0.5, 60u64..200)).prop_map(
        |(tenths, every, notified, maximum)| {
            json!({
                "factor": 1.0 + f64::from(tenths) / 10.0, "every": every, "maximum": maximum,
                "counting": if notified { "notified" } else { "succeeded" },
            })
        },
    );
    let rate = (1u64..60, weighted(0.5, growth))
        .prop_map(|(per_minute, growth)| json!({"per_minute": per_minute, "growth": growth}));
    let domain =
        (1u32..=100).prop_map(|share| json!({"attribute": "site", "max_percentage": share}));
    (
        weighted(0.4, 1u64..12),
        weighted(0.3, rate),
        weighted(0.4, domain),
    )
        .prop_map(|(max_in_flight, rate, failure_domain)| {
            json!({
                "max_in_flight": max_in_flight, "rate": rate, "failure_domain": failure_domain,
            })
        })
}

fn times() -> impl Strategy<Value = Value> {
    let window = (0u32..24, 1u32..23, select(vec!["UTC", "America/New_York"])).prop_map(
        |(start, hours, zone)| {
            let end = (start + hours) % 24;
            json!({
                "start_time": format!("{start:02}:00"), "end_time": format!("{end:02}:30"),
                "timezone": zone,
            })
        },
    );
    let windows = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec(window, 1..3),
    ];
    let calendar = (windows, select(vec!["environment", "device"]))
        .prop_map(|(windows, zone)| json!({"windows": windows, "window_timezone": zone}));
    let timeouts = (
        600u32..7200,
        60u32..7200,
        0u32..900,
        weighted(0.2, 600u32..200_000),
    );
    let policy = select(vec!["late", "late", "skip", "wait"]);
    (calendar, timeouts, policy).prop_map(
        |(calendar, (device, rollback, monitor, whole), offline_policy)| {
            json!({
                "calendar": calendar, "device_timeout": device, "rollback_timeout": rollback,
                "monitor_seconds": monitor, "deployment_timeout": whole,
                "offline_policy": offline_policy,
            })
        },
    )
}
