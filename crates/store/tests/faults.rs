//! A store that crashes, or whose disk is full, at each of its calls in turn: what was committed is
//! there afterwards, and nothing else.
#![cfg(feature = "fault")]
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::cell::Cell;

use fleetward_core::Timestamp;
use fleetward_store::page::Page;
use fleetward_store::{Store, StoreError, Tx, audit};

const PARTS: [&str; 3] = ["head", "body", "tail"];

fn note(tx: &Tx<'_>, object: &str) -> Result<(), StoreError> {
    let entry = audit::Entry {
        actor: "ann",
        source: "test",
        action: "note.add",
        object,
    };
    audit::write(tx, &entry, &(), Timestamp::UNIX_EPOCH)
}

/// Oldest first.
fn noted(tx: &Tx<'_>) -> Result<Vec<String>, StoreError> {
    let page = Page {
        after: None,
        limit: 1000,
    };
    let found = audit::list(tx, None, page)?;
    Ok(found.rows.into_iter().rev().map(|row| row.object).collect())
}

/// One call of the series, and what came of it.
struct Done {
    name: &'static str,
    writes: bool,
    result: Result<(), StoreError>,
    followed: bool,
    /// Calls when it was over.
    calls: u64,
}

/// Three writes that mean to stay, one that doesn't, and a read.
fn series(store: &Store) -> Vec<Done> {
    let write = |name: &'static str, keep: bool| {
        let followed = Cell::new(false);
        let work = |tx: &Tx<'_>| {
            for part in PARTS {
                note(tx, &format!("{name} {part}"))?;
            }
            noted(tx)?;
            if keep {
                Ok(())
            } else {
                Err(StoreError::NotStored)
            }
        };
        let result = store.write_now_then(work, |()| followed.set(true));
        Done {
            name,
            writes: keep,
            result,
            followed: followed.get(),
            calls: store.faults().calls(),
        }
    };
    let read = || Done {
        name: "read",
        writes: false,
        result: store.read_now(noted).map(drop),
        followed: false,
        calls: store.faults().calls(),
    };
    vec![
        write("first", true),
        write("undone", false),
        read(),
        write("second", true),
        write("third", true),
    ]
}

fn rows<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let parts = |name: &'a str| PARTS.map(|part| format!("{name} {part}"));
    names.into_iter().flat_map(parts).collect()
}

fn undisturbed() -> Vec<Done> {
    series(&Store::in_memory().unwrap())
}

#[test]
fn calls_are_statements_and_twice_each_commit() {
    let calls: Vec<u64> = undisturbed().iter().map(|done| done.calls).collect();
    assert_eq!(calls, [6, 10, 11, 17, 23]);
}

#[test]
fn whichever_call_it_crashes_at_what_was_committed_is_there() {
    let plan = undisturbed();
    for crash in 1..=plan.last().unwrap().calls {
        let store = Store::in_memory().unwrap();
        store.faults().crash_at(crash);
        let done = series(&store);
        assert!(store.faults().crashed(), "at {crash}");
        assert_eq!(store.faults().calls(), crash, "the dead call nothing");
        for (done, planned) in done.iter().zip(&plan) {
            let over = planned.calls < crash;
            let name = done.name;
            assert_eq!(
                done.followed,
                over && done.writes,
                "{name}, crash at {crash}"
            );
            match &done.result {
                Ok(()) => assert!(over && name != "undone", "{name}, crash at {crash}"),
                Err(StoreError::NotStored) => assert!(over && name == "undone"),
                Err(StoreError::Crashed) => assert!(!over, "{name}, crash at {crash}"),
                Err(other) => panic!("{name}, crash at {crash}: {other}"),
            }
        }
        assert!(matches!(store.read_now(noted), Err(StoreError::Crashed)));
        store.faults().restart();
        // The last call of a write is the one after its commit.
        let kept = plan
            .iter()
            .filter(|planned| planned.writes && planned.calls <= crash);
        let mut expected = rows(kept.map(|planned| planned.name));
        assert_eq!(store.read_now(noted).unwrap(), expected, "crash at {crash}");
        store.write_now(|tx| note(tx, "again")).unwrap();
        expected.push("again".into());
        assert_eq!(store.read_now(noted).unwrap(), expected, "crash at {crash}");
    }
}

#[test]
fn a_full_disk_undoes_one_write_and_no_other() {
    let plan = undisturbed();
    let commits: Vec<u64> = plan
        .iter()
        .filter(|done| done.writes)
        .map(|done| done.calls)
        .collect();
    for call in 1..=plan.last().unwrap().calls {
        let store = Store::in_memory().unwrap();
        store.faults().disk_full_at(call);
        let done = series(&store);
        let failed: Vec<&str> = done
            .iter()
            .filter(|done| matches!(done.result, Err(StoreError::Database(_))))
            .map(|done| done.name)
            .collect();
        // After a commit it waits for the next call, if there is one.
        let strikes = if commits.contains(&call) {
            call + 1
        } else {
            call
        };
        let hit = plan.iter().find(|planned| strikes <= planned.calls);
        assert_eq!(failed, Vec::from_iter(hit.map(|hit| hit.name)), "at {call}");
        let kept = done
            .iter()
            .filter(|done| done.writes && done.result.is_ok());
        store.faults().disarm();
        assert_eq!(
            store.read_now(noted).unwrap(),
            rows(kept.map(|done| done.name)),
            "at {call}"
        );
        assert!(!store.faults().crashed());
    }
}

#[test]
fn a_closure_that_hides_its_fault_keeps_nothing() {
    let store = Store::in_memory().unwrap();
    let careless = |tx: &Tx<'_>| {
        drop(note(tx, "one"));
        drop(note(tx, "two"));
        Ok::<_, StoreError>(())
    };
    store.faults().disk_full_at(1);
    assert!(matches!(
        store.write_now(careless),
        Err(StoreError::Database(_))
    ));
    store.faults().crash_at(1);
    assert!(matches!(
        store.write_now(careless),
        Err(StoreError::Crashed)
    ));
    store.faults().restart();
    assert_eq!(store.read_now(noted).unwrap(), Vec::<String>::new());
}

#[test]
fn a_crashed_store_runs_no_closure() {
    let store = Store::in_memory().unwrap();
    store.faults().crash_at(1);
    store.write_now(|tx| note(tx, "lost")).unwrap_err();
    let never = |_: &Tx<'_>| -> Result<(), StoreError> { panic!("it is down") };
    assert!(matches!(store.write_now(never), Err(StoreError::Crashed)));
    assert!(matches!(store.read_now(never), Err(StoreError::Crashed)));
    assert_eq!(store.faults().calls(), 1);
}
