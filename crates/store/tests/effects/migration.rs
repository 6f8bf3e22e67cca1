//! A database of the first version, with rows in it, opened by this one.

use fleetward_core::device::{Class, DeviceStatus, FailureKind, Report};
use fleetward_core::ids::ActionId;
use fleetward_store::actions::roster_after;
use fleetward_store::page::Page;
use fleetward_store::{Store, assignments, comers, tallies};
use rusqlite::Connection;

use crate::fleet::at;

const FIRST: &str = include_str!("../../migrations/sqlite/0001_initial.sql");

/// Devices 1 to 7 are written out in wave 0, 8 and 9 are kept for wave 1.
const ROWS: &str = "
    INSERT INTO firmware (firmware_key, firmware_id, version, name, format, file_name, size, sha256,
        sha1, md5, hardware, signed, findings, state, created_at, created_by)
     VALUES (1, 'fw', '2.0.0', 'os', 'raw', 'f', 1, 's', 's', 'm', '[]', 0, '[]', 'available', 0, 'a');
    INSERT INTO plans (plan_key, plan_id, environment, state, body, digest, created_at, created_by)
     VALUES (1, 'plan_1', 'field', 'executed', '{}', 'd', 0, 'ann');
    INSERT INTO executions (execution_key, execution_id, plan_key, environment, firmware_key, state,
        phase, devices, excluded, created_at, created_by)
     VALUES (1, 'exec_1', 1, 'field', 1, '{\"order\": {\"device_timeout\": 60}}', 'observing', 9, '{}',
        0, 'ann');
    INSERT INTO devices (device_key, device_id, environment, version, registered_at)
     SELECT value, 'dev-' || value, 'field', '1.0.0', 0
     FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8, 9]');
    INSERT INTO assignments (device_key, execution_key, wave, status, late, previous_version, failure,
        action_id, deadline, updated_at)
     VALUES (1, 1, 0, 'succeeded', 0, '1.0.0', NULL, 11, NULL, 0),
        (2, 1, 0, 'failed', 0, '1.0.0', 'install_failed', 13, NULL, 0),
        (3, 1, 0, 'released', 1, '1.0.0', NULL, 15, NULL, 0),
        (4, 1, 0, 'downloading', 1, '1.0.0', NULL, 17, 90000, 0),
        (5, 1, 0, 'released', 0, '1.0.0', NULL, 19, 80000, 0),
        (6, 1, 0, 'timed_out', 1, '1.0.0', 'timed_out', 21, NULL, 0),
        (7, 1, 0, 'pending', 0, '1.0.0', NULL, NULL, NULL, 0);
    INSERT INTO actions (action_id, execution_key, device_key, kind, state, firmware_key, opened_at)
     SELECT action_id, 1, device_key, 'deploy',
        CASE WHEN status IN ('released', 'downloading') THEN 'open' ELSE 'closed' END, 1, 0
     FROM assignments WHERE action_id IS NOT NULL;
    INSERT INTO tallies (execution_key, wave, status, late, devices)
     SELECT execution_key, wave, status, late, COUNT(*) FROM assignments GROUP BY 1, 2, 3, 4;
    INSERT INTO tallies VALUES (1, 1, 'pending', 0, 2);
    INSERT INTO kept_waves VALUES (1, 1, 1, '[9, 8]', 0);
    UPDATE counters SET value = 23;
";

fn of_the_first_version(folder: &std::path::Path) {
    let connection = Connection::open(folder.join("fleetward.db")).unwrap();
    let noted = "CREATE TABLE migrations (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL)";
    for sql in [noted, FIRST, ROWS] {
        connection.execute_batch(sql).unwrap();
    }
    let checksum = fleetward_core::selection::seed_of(FIRST).cast_signed();
    connection
        .execute(
            "INSERT INTO migrations VALUES (1, 'initial', ?1)",
            [checksum],
        )
        .unwrap();
}

#[tokio::test]
async fn an_older_database_keeps_its_devices_and_counts() {
    let folder = tempfile::tempdir().unwrap();
    of_the_first_version(folder.path());
    let store = Store::open(folder.path(), 1).unwrap();

    let census = store.read(|tx| tallies::census(tx, 1, 2)).await.unwrap();
    let first = &census.waves[0];
    let counts = [
        (Class::OnTime, DeviceStatus::Succeeded),
        (Class::OnTime, DeviceStatus::Failed),
        (Class::Absent, DeviceStatus::Pending),
        (Class::Arrived, DeviceStatus::Downloading),
        (Class::OnTime, DeviceStatus::Released),
        (Class::Arrived, DeviceStatus::TimedOut),
        (Class::OnTime, DeviceStatus::Pending),
    ];
    for (class, status) in counts {
        assert_eq!(first.of(class, status), 1, "{class} {status}");
    }
    assert_eq!(first.size(), 7);
    assert_eq!(first.failed_so(FailureKind::InstallFailed), 1);
    assert_eq!(
        first.failed_so(FailureKind::TimedOut),
        0,
        "late ones do not count"
    );
    assert_eq!(census.waves[1].of(Class::OnTime, DeviceStatus::Pending), 2);
    assert_eq!(census.earliest_deadline, Some(at(80)));

    let roster = store.read(|tx| roster_after(tx, 0, 100)).await.unwrap();
    let open = roster
        .iter()
        .filter_map(|row| Some((row.device_key, row.action?.action_id)));
    assert_eq!(
        open.collect::<Vec<_>>(),
        [(4, ActionId(17)), (5, ActionId(19))]
    );
    assert_eq!(roster[2].straggles, Some(Class::Absent));
}

#[tokio::test]
async fn an_older_database_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    of_the_first_version(folder.path());
    let store = Store::open(folder.path(), 1).unwrap();
    let work = |tx: &fleetward_store::Tx<'_>| {
        assignments::write_out(tx, None, u32::MAX)?;
        let report = fleetward_store::reports::DeviceReport {
            device_key: 5,
            action: ActionId(19),
            report: Report::Retrieved,
            detail: "[]".into(),
        };
        fleetward_store::reports::apply(tx, &[report], at(10))?;
        comers::arrived(tx, &[3, 6, 7], at(10))
    };
    assert_eq!(store.write(work).await.unwrap(), [1]);
    let all = Page {
        after: None,
        limit: 100,
    };
    let rows = store
        .read(move |tx| assignments::of_execution(tx, 1, None, None, all))
        .await
        .unwrap()
        .rows;
    let classes: Vec<Class> = rows.iter().map(|row| row.class).collect();
    let mut expected = [Class::OnTime; 9];
    for late in [3, 4, 6] {
        expected[late - 1] = Class::Arrived;
    }
    assert_eq!(classes, expected);
    assert_eq!(rows[1].failures, 1);
    assert_eq!(rows[4].deadline, Some(at(70)));
    drop(store);
    Store::open(folder.path(), 1).expect("and again");
}
