//! Golden rehearsals: every `scripts/*.txt` is run by the real engine and its transcript compared
//! with the `.out` beside it. `UPDATE_GOLDEN=1` writes the transcripts anew; a new case needs no Rust.
//!
//! A script is lines of `plan KEY=VALUE …`, `devices N [KIND …] [in wave W]` and `at TIME COMMAND NAME`.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(clippy::disallowed_methods, reason = "scripts are read from disk")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use fleetward_core::Timestamp;
use fleetward_core::device::{DeviceStatus, Report};
use fleetward_core::engine::{Command, Rollout};
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
    assert!(seen >= 12, "only {seen} scripts found");
    assert!(
        failed.is_empty(),
        "transcripts differ:\n{}",
        failed.join("\n")
    );
}

#[derive(Default)]
struct Script {
    plan: serde_json::Map<String, serde_json::Value>,
    fleet: u64,
    special: Vec<(usize, u64, Behaviour)>,
    commands: Vec<(u32, Command, String)>,
}

fn run(text: &str) -> String {
    let script = parse(text);
    let plan: Plan = serde_json::from_value(script.plan.clone().into()).unwrap();
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
    let start = Timestamp::UNIX_EPOCH;
    let mut rehearsal = Rehearsal::new(Rollout::new(&plan, &sizes), World::new(&waves), start);
    for (at, command, by) in script.commands {
        rehearsal.command_at(Seconds(at).after(start), command, &by);
    }
    rehearsal.run(Seconds(30 * 86_400).after(start));
    transcript(&rehearsal, &sizes)
}

fn transcript(rehearsal: &Rehearsal, sizes: &[u64]) -> String {
    let mut out = format!("waves {sizes:?}\n");
    for line in rehearsal.transcript() {
        let _ = writeln!(out, "{:>8} s  {line}", line.at.as_second());
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
    let late = devices.iter().filter(|d| d.late).count();
    let _ = writeln!(out, "; {on_new} on the new version, {late} late");
    out
}

const GOOD_TAKES: u32 = 60;

fn behaviour(kind: &str) -> Behaviour {
    let good = Behaviour {
        comes_after: Some(Seconds(10)),
        takes: Seconds(GOOD_TAKES),
        result: Some(Report::Succeeded),
        back: Some(Report::Succeeded),
        can_stage: true,
        refuses_to_stop: false,
        reports_twice: false,
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
        "tomorrow" => Behaviour {
            comes_after: Some(Seconds(86_400)),
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
    let mut script = Script::default();
    for (key, value) in DEFAULTS {
        script
            .plan
            .insert((*key).into(), serde_json::from_str(value).unwrap());
    }
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["plan", pairs @ ..] => pairs.iter().for_each(|pair| set(&mut script.plan, pair)),
            ["devices", n] => script.fleet = n.parse().unwrap(),
            ["devices", n, kind, "in", "wave", wave] => {
                let wave = wave.parse::<usize>().unwrap() - 1;
                script
                    .special
                    .push((wave, n.parse().unwrap(), behaviour(kind)));
            }
            ["at", at, command, by] => {
                let json = format!("\"{command}\"");
                let command = serde_json::from_str(&json).unwrap();
                script
                    .commands
                    .push((at.parse().unwrap(), command, (*by).to_owned()));
            }
            _ => panic!("can't read `{line}`"),
        }
    }
    script
}

fn set(plan: &mut serde_json::Map<String, serde_json::Value>, pair: &str) {
    let (key, value) = pair.split_once('=').unwrap();
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    let inner = ["max_failure_rate", "min_judged"].contains(&key);
    if inner {
        plan["rollback_criteria"][key] = value;
    } else {
        plan.insert(key.into(), value);
    }
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
