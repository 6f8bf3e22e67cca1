//! How SQLite goes about the statements that run for offers, reports and polls: none of them reads a table
//! of devices from one end to the other, whether it has statistics of the tables or not.

use std::cell::RefCell;

use fleetward_core::Timestamp;
use fleetward_core::device::Report;
use fleetward_core::engine::{Effect, Order, Recipients, Rollout, UnfetchedFate};
use fleetward_core::ids::{ActionId, WaveIndex};
use fleetward_core::plan::Plan;
use rusqlite::Connection;

use crate::effects::{Target, carry_out, supersede_chosen};
use crate::params::params;
use crate::reports::{DeviceReport, apply};
use crate::{
    Param, Store, StoreError, Tx, actions, assignments, comers, executions, spread, tallies,
};

const DEVICES: i64 = 3000;

/// A statement, and how SQLite goes about it.
type Noted = (String, Vec<String>);

thread_local! {
    static NOTED: RefCell<Option<Vec<Noted>>> = const { RefCell::new(None) };
}

/// A statement is about to run.
pub(crate) fn note(connection: &Connection, sql: &str) {
    NOTED.with_borrow_mut(|noted| {
        let Some(noted) = noted else { return };
        let mut explain = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let values = vec![Param::Null; explain.parameter_count()];
        let values = rusqlite::params_from_iter(values);
        let details = explain.query_map(values, |row| row.get(3)).unwrap();
        noted.push((sql.to_owned(), details.map(Result::unwrap).collect()));
    });
}

fn noting(work: impl FnOnce()) -> Vec<Noted> {
    NOTED.set(Some(Vec::new()));
    work();
    NOTED.take().unwrap_or_default()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn plan() -> Plan {
    serde_json::from_value(serde_json::json!({
        "name": "p", "firmware_version": "2.0.0", "target_environment": "field",
        "strategy": "rolling", "rollout_percentage": 100, "canary_percentage": 10,
        "canary_steps": [100], "batch_percentage": 50, "monitor_seconds": 0,
        "rollback_criteria": {}, "auto_rollback": true, "device_timeout": 3600,
        "rollback_timeout": 600, "offline_policy": "late", "dynamic": true,
        "security_floor": "0.5.0",
        "retries": {"timed_out": {"times": 2}, "install_failed": {"times": 1}},
        "calendar": {
            "windows": [{"start_time": "00:00", "end_time": "24:00", "timezone": "UTC"}],
            "window_timezone": "device",
        },
    }))
    .unwrap()
}

const ROWS: [&str; 4] = [
    "INSERT INTO firmware (firmware_key, firmware_id, version, name, format, file_name, size, sha256,
        sha1, md5, hardware, signed, findings, state, created_at, created_by)
     SELECT key + 1, 'fw_' || value, value, 'os', 'raw', 'f', 1, 's', 's', 'm', '[]', 0, '[]',
        'available', 0, 'ann' FROM json_each('[\"2.0.0\", \"1.0.0\"]')",
    "INSERT INTO plans (plan_key, plan_id, environment, state, body, digest, created_at, created_by)
     VALUES (1, 'plan_1', 'field', 'executed', $1, 'd', 0, 'ann')",
    "INSERT INTO executions (execution_key, execution_id, plan_key, environment, firmware_key, state,
        phase, devices, excluded, created_at, created_by)
     SELECT value, 'exec_' || value, 1, 'field', 1, $1, 'queued', 0, '{}', 0, 'ann'
     FROM json_each('[1, 2, 3]')",
    "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < $1)
     INSERT INTO devices (device_key, device_id, environment, version, can_stage, attributes,
        security_floor, registered_at)
     SELECT k, 'dev-' || k, 'field', '1.0.0', k % 2, json_object('rack', 'r' || (k % 50)),
        CASE WHEN k % 100 = 0 THEN '1.1.0' ELSE '' END, 0 FROM n",
];

/// Three executions: the devices of two, and one that only minds.
fn fill(tx: &Tx<'_>, order: &Order) -> Result<(), StoreError> {
    let devices: Vec<i64> = (1..=DEVICES).collect();
    let waves: Vec<Vec<i64>> = devices.chunks(500).map(<[i64]>::to_vec).collect();
    let sizes: Vec<u64> = waves.iter().map(|wave| wave.len() as u64).collect();
    let body = serde_json::to_string(&plan()).unwrap();
    let state = serde_json::to_string(&Rollout::new(&plan(), &sizes)).unwrap();
    tx.execute(ROWS[0], &[])?;
    tx.execute(ROWS[1], params![&body])?;
    tx.execute(ROWS[2], params![&state])?;
    tx.execute(ROWS[3], params![DEVICES])?;
    for execution_key in [1, 2] {
        spread::mind(tx, execution_key, order)?;
        assignments::choose(tx, execution_key, &waves, at(0))?;
    }
    assignments::write_out(tx, None, u32::MAX).map(drop)
}

const TARGET: Target = Target {
    execution_key: 1,
    firmware_key: 1,
};

fn offer(to: Recipients) -> Effect {
    Effect::Offer {
        to,
        at_most: 100,
        zones: Some(vec![String::new()]),
    }
}

fn run(tx: &Tx<'_>, effect: &Effect, order: &Order, second: i64) -> Vec<i64> {
    carry_out(tx, TARGET, effect, order, at(second)).unwrap()
}

/// One of everything that happens while a rollout goes forward, and back.
fn live(tx: &Tx<'_>, order: &Order) -> Result<(), StoreError> {
    let waves = |staging| Recipients::Waves {
        through: WaveIndex(1),
        staging,
    };
    let late = Effect::Expire {
        unfetched: UnfetchedFate::Late,
    };
    let filling = run(tx, &offer(waves(true)), order, 10);
    say(tx, &filling[..9], Report::Downloaded, 20)?;
    let switch = Effect::Switch {
        wave: WaveIndex(1),
        at_most: 5,
        zones: None,
    };
    assert!(!run(tx, &switch, order, 25).is_empty());
    let offered = run(tx, &offer(waves(false)), order, 30);
    say(tx, &offered[..20], Report::Retrieved, 40)?;
    say(tx, &offered[..10], Report::Succeeded, 50)?;
    assert!(!run(tx, &late, order, 9000).is_empty());
    let came = comers::arrived(tx, &offered, at(9100))?;
    assert_eq!(came, [1]);
    run(
        tx,
        &offer(Recipients::Stragglers { joined: true }),
        order,
        9200,
    );
    tallies::census(tx, 1, 6)?;
    actions::roster_of(tx, &offered)?;
    actions::roster_after(tx, 100, 50)?;
    actions::of_device(tx, offered[0], 10)?;
    assignments::of_device(tx, offered[0], 10)?;
    comers::join(tx, "dev-7", at(9300))?;
    comers::leave(tx, 8, "lab", at(9300))?;
    supersede_chosen(tx, 3, &[offered], at(9350))?;
    run(tx, &Effect::StopInFlight, order, 9400);
    run(tx, &Effect::WithdrawStragglers, order, 9400);
    run(tx, &Effect::Withdraw, order, 9400);
    let recall = Effect::Recall {
        at_most: 5,
        deadline: at(9999),
    };
    assert_eq!(run(tx, &recall, order, 9500).len(), 5);
    executions::open(tx).map(drop)
}

fn say(tx: &Tx<'_>, devices: &[i64], report: Report, second: i64) -> Result<(), StoreError> {
    let rows = actions::roster_of(tx, devices)?;
    let reports: Vec<DeviceReport> = rows
        .iter()
        .map(|row| DeviceReport {
            device_key: row.device_key,
            action: row.action.map_or(ActionId(0), |action| action.action_id),
            report,
            detail: "[]".into(),
        })
        .collect();
    apply(tx, &reports, at(second)).map(drop)
}

/// What is read from one end to the other on purpose: lists that come in as a parameter, results that are
/// made on the way, and short indexes of what is out of the ordinary.
const SHORT: [&str; 7] = [
    "SCAN json_each",
    "SCAN CONSTANT ROW",
    "SCAN waiting",
    "SCAN k",
    "SCAN executions",
    "SCAN tallies USING INDEX tallies_straggling",
    "SCAN assignments USING COVERING INDEX assignments_awaited",
];

#[test]
fn no_statement_on_the_hot_path_reads_a_whole_table() {
    let mut met = Vec::new();
    let free = Order::of(&plan());
    let mut spread_out = free.clone();
    spread_out.pace = serde_json::from_value(serde_json::json!({
        "failure_domain": {"attribute": "rack", "max_percentage": 20}
    }))
    .unwrap();
    for order in [&free, &spread_out] {
        for analyzed in [false, true] {
            let store = Store::in_memory().unwrap();
            store.write_now(|tx| fill(tx, order)).unwrap();
            if analyzed {
                let analyze = |tx: &Tx<'_>| tx.execute("ANALYZE", &[]);
                store.write_now(analyze).unwrap();
            }
            let noted = noting(|| store.write_now(|tx| live(tx, order)).unwrap());
            assert!(noted.len() > 60, "{} statements", noted.len());
            let bad: Vec<String> = noted.iter().filter_map(complaint).collect();
            assert!(bad.is_empty(), "analyzed: {analyzed}\n{}", bad.join("\n\n"));
            met.extend(noted.into_iter().flat_map(|(_, details)| details));
        }
    }
    for short in SHORT {
        let is_met = met.iter().any(|detail: &String| detail.starts_with(short));
        assert!(is_met, "no statement needs `{short}`");
    }
}

/// What a statement does that it should not.
fn complaint((sql, details): &Noted) -> Option<String> {
    let long = |detail: &String| {
        detail.starts_with("SCAN ") && !SHORT.iter().any(|short| detail.starts_with(short))
    };
    let sorts = sql.contains("ORDER BY a.wave, a.place")
        && details.iter().any(|detail| detail.contains("B-TREE FOR"));
    let far = sql.contains("a.domain = ")
        && !details
            .iter()
            .any(|detail| detail.contains("assignments_by_domain"));
    (sorts || far || details.iter().any(long)).then(|| format!("{sql}\n{}", details.join("\n")))
}
