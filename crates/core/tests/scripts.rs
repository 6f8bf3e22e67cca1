//! Golden rehearsals: every `scripts/*.txt` is run by the real engine and its transcript compared
//! with the `.out` beside it. `UPDATE_GOLDEN=1` writes the transcripts anew; a new case needs no Rust.
//!
//! A script is lines of
//! - `start TIME` and `zones ZONE …`, where the hour matters;
//! - `plan KEY=VALUE …`, a dot in a key going into an object;
//! - `devices N`, the fleet, and `devices N KIND in wave W [place P] [zone Z]`, special ones in it;
//! - `at SECONDS COMMAND NAME`, `at SECONDS joins KIND`, `at SECONDS freeze REASON [until SECONDS]`,
//!   `at SECONDS queue AHEAD`, `at SECONDS unproven DEVICES`, `at SECONDS clear` and
//!   `at SECONDS withdrawn NAME`.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(clippy::disallowed_methods, reason = "scripts are read from disk")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus, Report};
use fleetward_core::engine::{Command, Freeze, Queue, Rollout, Surroundings};
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Behaviour, Rehearsal, World};
use fleetward_core::seconds::Seconds;

#[test]
fn scripts_run_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut failed = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        seen += 1;
        let transcript = run(&fs::read_to_string(&path).unwrap());
        let golden = path.with_extension("out");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &transcript).unwrap();
        } else if fs::read_to_string(&golden).ok().as_deref() != Some(&transcript) {
            failed.push(format!("{}:\n{transcript}", path.display()));
        }
    }
    assert!(seen >= 40, "only {seen} scripts found");
    assert!(
        failed.is_empty(),
        "transcripts differ:\n{}",
        failed.join("\n")
    );
}

struct Script {
    start: Timestamp,
    zones: Vec<String>,
    plan: serde_json::Value,
    fleet: u64,
    special: Vec<(usize, u64, Behaviour)>,
    commands: Vec<(u32, Command, String)>,
    joins: Vec<(u32, Behaviour)>,
    around: Vec<(u32, Surroundings)>,
    withdrawn: Vec<(u32, String)>,
}

fn run(text: &str) -> String {
    let script = parse(text);
    let plan: Plan = serde_json::from_value(script.plan.clone()).unwrap();
    let problems = plan.problems();
    assert!(problems.is_empty(), "{problems:?}");
    let sizes = plan.waves(script.fleet);
    let mut waves: Vec<Vec<Behaviour>> = sizes
        .iter()
        .map(|&size| vec![behaviour("good"); size as usize])
        .collect();
    for (wave, count, behaviour) in script.special {
        let list = &mut waves[wave];
        let taken = list
            .iter()
            .position(|b| b.takes.0 == GOOD_TAKES)
            .unwrap_or(list.len());
        list[taken..taken + count as usize].fill(behaviour);
    }
    let start = script.start;
    let world = World::in_zones(&waves, script.zones);
    let starts_at = plan.schedule.as_ref().and_then(|s| s.next_after(start));
    let mut rehearsal = Rehearsal::new(Rollout::queued(&plan, starts_at), world, start);
    for (at, command, by) in script.commands {
        rehearsal.command_at(Seconds(at).after(start), command, &by);
    }
    for (at, behaviour) in script.joins {
        rehearsal.join_at(Seconds(at).after(start), behaviour);
    }
    for (at, around) in script.around {
        rehearsal.surround_at(Seconds(at).after(start), around);
    }
    for (at, by) in script.withdrawn {
        rehearsal.withdraw_firmware_at(Seconds(at).after(start), &by);
    }
    let most = watch(&mut rehearsal, Seconds(30 * 86_400).after(start));
    transcript(&rehearsal, &sizes, start, most)
}

/// Runs to the end; the most devices that were under way at any instant.
fn watch(rehearsal: &mut Rehearsal, end: Timestamp) -> u64 {
    let mut most = 0;
    while rehearsal.advance(end) {
        most = most.max(rehearsal.world().census().under_way());
    }
    most
}

fn transcript(rehearsal: &Rehearsal, sizes: &[u64], start: Timestamp, most: u64) -> String {
    let mut out = format!("waves {sizes:?}\n");
    for line in rehearsal.transcript() {
        let at = line.at.as_second() - start.as_second();
        let _ = writeln!(out, "{at:>8} s  {line}");
    }
    let devices = rehearsal.world().devices();
    let _ = write!(out, "phase {}; devices:", rehearsal.rollout().phase.name());
    for status in DeviceStatus::ALL {
        match devices.iter().filter(|d| d.status == status).count() {
            0 => {}
            n => drop(write!(out, " {n} {status}")),
        }
    }
    let on_new = devices.iter().filter(|d| d.on_new).count();
    let late = devices.iter().filter(|d| d.class.is_late()).count();
    let joined = devices.iter().filter(|d| d.class == Class::Joined).count();
    let _ = writeln!(
        out,
        "; {on_new} on the new version, {late} late, {joined} joined; at most {most} under way"
    );
    out
}

const GOOD_TAKES: u32 = 60;

fn behaviour(kind: &str) -> Behaviour {
    let good = Behaviour {
        takes: Seconds(GOOD_TAKES),
        ..Behaviour::GOOD
    };
    let special = Behaviour {
        takes: Seconds(GOOD_TAKES + 1),
        ..good
    };
    match kind {
        "good" => good,
        "fail" => Behaviour {
            result: Some(Report::Failed),
            ..special
        },
        "silent" => Behaviour {
            result: None,
            back: None,
            ..special
        },
        "offline" => Behaviour {
            comes_after: None,
            ..special
        },
        "slow" => Behaviour {
            takes: Seconds(900),
            ..special
        },
        "slow-stubborn" => Behaviour {
            takes: Seconds(900),
            refuses_to_stop: true,
            ..special
        },
        "stubborn-fails" => Behaviour {
            takes: Seconds(900),
            refuses_to_stop: true,
            result: Some(Report::Failed),
            ..special
        },
        "overdue" => Behaviour {
            takes: Seconds(4_000),
            ..special
        },
        "plain" => special,
        "reverts" => Behaviour {
            restarts: true,
            result: Some(Report::Failed),
            ..special
        },
        "dies" => Behaviour {
            restarts: true,
            result: None,
            back: None,
            ..special
        },
        "fails-fast" => Behaviour {
            takes: Seconds(30),
            result: Some(Report::Failed),
            ..special
        },
        "fails-once" => Behaviour {
            fails_first: 1,
            ..special
        },
        "fails-twice" => Behaviour {
            fails_first: 2,
            ..special
        },
        "tomorrow" => Behaviour {
            comes_after: Some(Seconds(86_400)),
            ..special
        },
        "tomorrow-fails" => Behaviour {
            comes_after: Some(Seconds(86_400)),
            result: Some(Report::Failed),
            ..special
        },
        "overmorrow" => Behaviour {
            comes_after: Some(Seconds(2 * 86_400)),
            ..special
        },
        "noon" => Behaviour {
            comes_after: Some(Seconds(10 * 3_600)),
            ..special
        },
        "silent-back" => Behaviour {
            back: None,
            ..special
        },
        "tomorrow-silent" => Behaviour {
            comes_after: Some(Seconds(86_400)),
            result: None,
            ..special
        },
        "stuck" => Behaviour {
            back: Some(Report::Failed),
            ..special
        },
        "twice" => Behaviour {
            reports_twice: true,
            ..special
        },
        "switch-only" => Behaviour {
            can_stage: false,
            ..special
        },
        other => panic!("no such kind of device: {other}"),
    }
}

fn parse(text: &str) -> Script {
    let mut script = Script {
        start: Timestamp::UNIX_EPOCH,
        zones: Vec::new(),
        plan: serde_json::json!({}),
        fleet: 0,
        special: Vec::new(),
        commands: Vec::new(),
        joins: Vec::new(),
        around: Vec::new(),
        withdrawn: Vec::new(),
    };
    for (key, value) in DEFAULTS {
        script.plan[*key] = serde_json::from_str(value).unwrap();
    }
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["start", at] => script.start = at.parse().unwrap(),
            ["zones", zones @ ..] => script.zones = zones.iter().map(|z| (*z).into()).collect(),
            ["plan", pairs @ ..] => pairs.iter().for_each(|pair| set(&mut script.plan, pair)),
            ["devices", n] => script.fleet = n.parse().unwrap(),
            ["devices", n, kind, "in", "wave", wave, more @ ..] => {
                let wave = wave.parse::<usize>().unwrap() - 1;
                let behaviour = placed(behaviour(kind), more, &script.zones);
                script.special.push((wave, n.parse().unwrap(), behaviour));
            }
            ["at", at, what @ ..] => happens(&mut script, at.parse().unwrap(), what),
            _ => panic!("can't read `{line}`"),
        }
    }
    script
}

fn placed(mut behaviour: Behaviour, more: &[&str], zones: &[String]) -> Behaviour {
    for pair in more.chunks(2) {
        match pair {
            ["place", place] => behaviour.domain = Some(place.parse().unwrap()),
            ["zone", zone] => {
                let known = zones.iter().position(|z| z == zone);
                behaviour.zone = known.unwrap() as u16;
            }
            _ => panic!("can't read {pair:?}"),
        }
    }
    behaviour
}

fn happens(script: &mut Script, at: u32, what: &[&str]) {
    let mut around = Surroundings::default();
    match what {
        ["joins", kind] => {
            script.joins.push((at, behaviour(kind)));
            return;
        }
        ["freeze", reason, more @ ..] => {
            let until = match more {
                ["until", until] => Some(Seconds(until.parse().unwrap()).after(script.start)),
                _ => None,
            };
            let reason = (*reason).to_owned();
            around.freeze = Some(Freeze { reason, until });
        }
        ["queue", ahead] => {
            let ahead = ahead.parse().unwrap();
            around.queue = Some(Queue {
                ahead,
                running: 1,
                limit: 1,
                environment: None,
            });
        }
        ["unproven", devices] => around.unproven_elsewhere = devices.parse().unwrap(),
        ["clear"] => {}
        ["withdrawn", by] => {
            script.withdrawn.push((at, (*by).to_owned()));
            return;
        }
        [command, by] => {
            let command = serde_json::from_str(&format!("\"{command}\"")).unwrap();
            script.commands.push((at, command, (*by).to_owned()));
            return;
        }
        _ => panic!("can't read {what:?}"),
    }
    script.around.push((at, around));
}

fn set(plan: &mut serde_json::Value, pair: &str) {
    let (key, value) = pair.split_once('=').unwrap();
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    let criteria = [
        "max_failure_rate",
        "min_judged",
        "judgement",
        "failure_limits",
    ];
    let path: Vec<&str> = if criteria.contains(&key) {
        vec!["rollback_criteria", key]
    } else {
        key.split('.').collect()
    };
    let mut place = plan;
    for step in path {
        place = &mut place[step];
    }
    *place = value;
}

const DEFAULTS: &[(&str, &str)] = &[
    ("name", "\"Rehearsal\""),
    ("firmware_version", "\"2.0.0\""),
    ("target_environment", "\"production\""),
    ("strategy", "\"canary\""),
    ("rollout_percentage", "100"),
    ("canary_percentage", "10"),
    ("canary_steps", "[50, 100]"),
    ("batch_percentage", "25"),
    ("monitor_seconds", "300"),
    ("rollback_criteria", "{\"max_failure_rate\": 10}"),
    ("auto_rollback", "true"),
    ("device_timeout", "3600"),
    ("rollback_timeout", "1800"),
    ("offline_policy", "\"late\""),
];
