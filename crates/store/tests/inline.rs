//! A store in memory: closures that run where they are called keep the promises of the threaded store.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use fleetward_core::Timestamp;
use fleetward_store::page::Page;
use fleetward_store::{Store, StoreError, Tx, audit};

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

fn notes(store: &Store) -> Vec<String> {
    store.read_now(noted).unwrap()
}

/// The answer of a future that has it when it is first asked.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("an inline store makes nobody wait"),
    }
}

#[test]
fn its_futures_are_ready_at_once() {
    let store = Store::in_memory().unwrap();
    ready(store.write(|tx| note(tx, "a"))).unwrap();
    ready(store.write_then(|tx| note(tx, "b"), |()| {})).unwrap();
    assert_eq!(ready(store.read(noted)).unwrap(), ["a", "b"]);
}

#[test]
fn an_error_undoes_the_write_and_skips_what_follows_it() {
    let store = Store::in_memory().unwrap();
    let followed = Cell::new(0);
    let write = |object: &'static str, keep: bool| {
        store.write_now_then(
            |tx| {
                note(tx, object)?;
                if keep {
                    Ok(())
                } else {
                    Err(StoreError::NotStored)
                }
            },
            |()| followed.set(followed.get() + 1),
        )
    };
    assert!(matches!(write("lost", false), Err(StoreError::NotStored)));
    assert_eq!(followed.get(), 0);
    write("kept", true).unwrap();
    assert_eq!(followed.get(), 1);
    assert_eq!(notes(&store), ["kept"]);
}

#[test]
fn a_panic_undoes_the_write_and_the_store_works_on() {
    let store = Store::in_memory().unwrap();
    let broken: Result<(), StoreError> = store.write_now(|tx| {
        note(tx, "lost")?;
        panic!("on purpose")
    });
    assert!(matches!(broken, Err(StoreError::Panicked)));
    let broken: Result<(), StoreError> = store.read_now(|_| panic!("on purpose"));
    assert!(matches!(broken, Err(StoreError::Panicked)));
    store.write_now(|tx| note(tx, "kept")).unwrap();
    assert_eq!(notes(&store), ["kept"]);
}

#[test]
fn a_closure_that_calls_its_own_store_is_told() {
    let store = Store::in_memory().unwrap();
    let again = store.clone();
    let inner = |call: Result<(), StoreError>| assert!(matches!(call, Err(StoreError::Reentered)));
    store
        .write_now_then(
            |tx| {
                inner(again.write_now(|tx| note(tx, "never")));
                inner(again.read_now(|_| Ok(())));
                inner(ready(again.write(|tx| note(tx, "never"))));
                note(tx, "outer")
            },
            |()| inner(again.write_now(|tx| note(tx, "never"))),
        )
        .unwrap();
    store
        .read_now::<_, StoreError>(|_| {
            inner(again.write_now(|tx| note(tx, "never")));
            Ok(())
        })
        .unwrap();
    assert_eq!(notes(&store), ["outer"]);
}

#[test]
fn another_store_may_be_called_from_a_closure() {
    let (one, other) = (Store::in_memory().unwrap(), Store::in_memory().unwrap());
    one.write_now(|tx| {
        other.write_now(|tx| note(tx, "other"))?;
        note(tx, "one")
    })
    .unwrap();
    assert_eq!(
        (notes(&one), notes(&other)),
        (vec!["one".to_owned()], vec!["other".to_owned()])
    );
}

#[test]
fn a_read_can_not_write() {
    let store = Store::in_memory().unwrap();
    let refused = store.read_now(|tx| note(tx, "never"));
    assert!(matches!(refused, Err(StoreError::Database(_))));
    assert_eq!(notes(&store), Vec::<String>::new());
}

#[test]
fn a_panic_after_the_commit_keeps_what_was_written() {
    let store = Store::in_memory().unwrap();
    let call = || store.write_now_then(|tx| note(tx, "kept"), |()| panic!("on purpose"));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
    assert_eq!(notes(&store), ["kept"]);
}

#[test]
fn a_second_thread_waits_for_the_first() {
    let store = Store::in_memory().unwrap();
    std::thread::scope(|scope| {
        for thread in ["a", "b"] {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..50 {
                    store.write_now(|tx| note(tx, thread)).unwrap();
                }
            });
        }
    });
    assert_eq!(notes(&store).len(), 100);
}

#[test]
fn a_store_with_threads_runs_nothing_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1).unwrap();
    let refused = store.write_now(|tx| note(tx, "never"));
    assert!(matches!(refused, Err(StoreError::NotInline)));
    assert!(matches!(store.read_now(noted), Err(StoreError::NotInline)));
}
