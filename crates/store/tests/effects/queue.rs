//! Who may start, and what the others of an environment risk.

use std::collections::BTreeMap;

use fleetward_core::device::{DeviceStatus, Report};
use fleetward_core::engine::{HaltReason, Outcome, Phase, Position, Queue, Rollout};
use fleetward_core::ids::WaveIndex;
use fleetward_store::queue::{Slots, place, unproven_elsewhere};
use fleetward_store::{Store, StoreError, executions, firmware};
use serde_json::json;

use crate::fleet::{self, Fleet, LATE, Member, at, offer, plan, stragglers};

/// Executions that have not started, or run, in some environments.
struct Line {
    store: Store,
    slots: Slots,
}

impl Line {
    fn new(everywhere: Option<u64>, environments: &[(&str, u64)]) -> Self {
        let store = Store::in_memory().unwrap();
        store
            .write_now(|tx| firmware::insert(tx, &fleet::image(fleet::NEW)))
            .unwrap();
        let named = environments
            .iter()
            .map(|&(name, limit)| (name.to_owned(), limit));
        let environments: BTreeMap<String, u64> = named.collect();
        Self {
            store,
            slots: Slots {
                everywhere,
                environments,
            },
        }
    }

    fn add(&self, environment: &str, starts_at: Option<i64>) -> i64 {
        let wishes = json!({"target_environment": environment});
        let mut plan = plan(&wishes);
        self.store
            .write_now(|tx| {
                plan.name = format!("{environment} {}", executions::open(tx)?.len());
                let rollout = Rollout::queued(&plan, starts_at.map(at));
                fleet::insert(tx, &plan, rollout)
            })
            .unwrap()
            .execution_key
    }

    fn enter(&self, key: i64, phase: Phase) {
        self.store
            .write_now(|tx| {
                let mut execution = executions::by_key(tx, key)?.unwrap();
                execution.rollout.phase = phase;
                executions::save(tx, key, &execution.rollout, at(1))
            })
            .unwrap();
    }

    fn run(&self, environment: &str) -> i64 {
        let key = self.add(environment, None);
        self.enter(key, Phase::Releasing { wave: WaveIndex(0) });
        key
    }

    fn place(&self, key: i64) -> Option<Queue> {
        self.store
            .read_now(|tx| place(tx, key, &self.slots, at(100)))
            .unwrap()
    }

    /// Ahead, running, limit, and whose limit it is.
    fn waits(&self, key: i64) -> (u64, u64, u64, Option<String>) {
        let queue = self.place(key).expect("it has to wait");
        (queue.ahead, queue.running, queue.limit, queue.environment)
    }
}

#[test]
fn without_limits_nobody_waits() {
    let line = Line::new(None, &[]);
    line.run("field");
    let key = line.add("field", None);
    assert_eq!(line.place(key), None);
    assert_eq!(line.place(99), None, "nor does one that is not there");
}

#[test]
fn an_environment_runs_so_many_and_the_older_one_goes_first() {
    let line = Line::new(None, &[("field", 1)]);
    let running = line.run("field");
    let [older, younger] = [line.add("field", None), line.add("field", None)];
    let field = || Some("field".to_owned());
    assert_eq!(line.waits(older), (0, 1, 1, field()));
    assert_eq!(line.waits(younger), (1, 1, 1, field()));
    let over = Phase::Finished {
        outcome: Outcome::Succeeded,
        cause: None,
        at: at(50),
    };
    line.enter(running, over);
    assert_eq!(line.place(older), None);
    assert_eq!(
        line.waits(younger),
        (1, 0, 1, field()),
        "the older one is about to"
    );
    line.enter(older, Phase::Releasing { wave: WaveIndex(0) });
    assert_eq!(line.waits(younger), (0, 1, 1, field()));
}

#[test]
fn one_that_its_environment_has_no_room_for_holds_up_no_other() {
    let line = Line::new(Some(2), &[("field", 1)]);
    line.run("field");
    let stuck = line.add("field", None);
    let elsewhere = line.add("lab", None);
    let next = line.add("lab", None);
    assert_eq!(line.waits(stuck), (0, 1, 1, Some("field".to_owned())));
    assert_eq!(line.place(elsewhere), None);
    assert_eq!(
        line.waits(next),
        (2, 1, 2, None),
        "of all: the place is as good as taken"
    );
}

#[test]
fn all_environments_together_run_so_many() {
    let line = Line::new(Some(2), &[]);
    line.run("field");
    line.run("lab");
    let [first, second] = [line.add("field", None), line.add("shop", None)];
    assert_eq!(line.waits(first), (0, 2, 2, None));
    assert_eq!(line.waits(second), (1, 2, 2, None));
}

#[test]
fn one_that_starts_later_or_is_paused_holds_up_nobody() {
    let line = Line::new(None, &[("field", 1)]);
    let scheduled = line.add("field", Some(101));
    let paused = line.add("field", None);
    let reason = HaltReason::Paused { by: "ann".into() };
    let halted = Phase::Halted {
        reason,
        at: at(1),
        resume: Position::Queued,
    };
    line.enter(paused, halted);
    let last = line.add("field", None);
    assert_eq!(line.place(last), None);
    for waiting in [scheduled, paused] {
        assert_eq!(line.waits(waiting).0, 1, "who may start goes first");
    }
    let line = Line::new(None, &[("field", 1)]);
    let due = line.add("field", Some(100));
    let next = line.add("field", None);
    assert_eq!(line.place(due), None, "its time has come");
    assert_eq!(line.waits(next).0, 1);
}

#[test]
fn what_others_expose_is_counted_while_it_is_unproven() {
    let fleet = Fleet::new(&json!({}), &[0, 0, 0, 1].map(Member::of));
    let elsewhere = |key: i64, environment: &str| -> u64 {
        let count = fleet
            .store
            .read_now(|tx| unproven_elsewhere(tx, key, environment));
        let count: Result<u64, StoreError> = count;
        count.unwrap()
    };
    let own = fleet.target.execution_key;
    fleet.write(|tx| {
        let mut execution = executions::by_key(tx, own)?.unwrap();
        execution.rollout.phase = Phase::Observing { wave: WaveIndex(0) };
        execution.rollout.waves[0].released_at = Some(at(10));
        executions::save(tx, own, &execution.rollout, at(10))
    });
    fleet.effect(&offer(0), at(10));
    fleet.end(&[1], Report::Succeeded, 20);
    fleet.end(&[2], Report::Failed, 20);
    assert_eq!(elsewhere(own + 1, "field"), 2, "one runs it, one may");
    assert_eq!(elsewhere(own, "field"), 0, "its own do not count");
    assert_eq!(elsewhere(own + 1, "lab"), 0);
    fleet.effect(&LATE, at(3610));
    assert_eq!(
        elsewhere(own + 1, "field"),
        1,
        "who never came is not exposed"
    );
    let over = Phase::Finished {
        outcome: Outcome::Succeeded,
        cause: None,
        at: at(3700),
    };
    fleet.enter(over, 3700);
    assert_eq!(elsewhere(own + 1, "field"), 0);
    fleet.arrived(&[3], 3800);
    fleet.effect(&stragglers(true), at(3801));
    assert_eq!(elsewhere(own + 1, "field"), 1, "late, and after the end");
    fleet.end(&[3], Report::Succeeded, 3900);
    assert_eq!(fleet.status(3), DeviceStatus::Succeeded);
    assert_eq!(elsewhere(own + 1, "field"), 0);
}
