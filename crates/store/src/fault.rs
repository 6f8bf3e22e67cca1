//! Faults on request, for tests: a store that runs inline crashes at a chosen call, or finds its disk full.
//!
//! Not compiled into the program: see the feature `fault`. Without it `faultless` stands in.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// What a test can have happen to an inline store, and the count of its calls.
///
/// Calls are counted from 1: every statement before it runs, and every commit twice, before it (a
/// crash loses the transaction) and after it (the changes stay, but the caller never learns).
/// Calls that are refused because the store has crashed don't count.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    crash_at: Option<u64>,
    full_at: Option<u64>,
    crashed: bool,
    /// What the transaction that runs now, or ran last, met.
    met: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Crash,
    DiskFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Statement,
    BeforeCommit,
    AfterCommit,
}

impl Faults {
    /// The store crashes at the `call`-th call from now; 1 is the next one.
    ///
    /// The transaction that runs then is lost, unless the call is the one after a commit. From then on
    /// everything fails with [`StoreError::Crashed`] until [`Self::restart`].
    pub fn crash_at(&self, call: u64) {
        let mut state = self.lock();
        state.crash_at = Some(state.calls + call.max(1));
    }

    /// The `call`-th call from now, 1 being the next one, fails because the disk is full, once. Its
    /// transaction is undone and the store works on. A disk can't be too full for what was committed:
    /// where the call is the one after a commit, the next call fails instead.
    pub fn disk_full_at(&self, call: u64) {
        let mut state = self.lock();
        state.full_at = Some(state.calls + call.max(1));
    }

    /// Takes back what was asked for and has not happened yet.
    pub fn disarm(&self) {
        let mut state = self.lock();
        state.crash_at = None;
        state.full_at = None;
    }

    /// How many calls there were since the store was opened.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Whether the store is down.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.lock().crashed
    }

    /// Brings a crashed store up again: what was committed is there, and nothing else.
    pub fn restart(&self) {
        self.lock().crashed = false;
    }

    /// A transaction begins.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.crashed {
            return Err(StoreError::Crashed);
        }
        state.met = None;
        Ok(())
    }

    /// A statement is about to run.
    pub(crate) fn statement(&self) -> Result<(), StoreError> {
        self.call(Point::Statement)
    }

    /// A commit is about to run.
    pub(crate) fn before_commit(&self) -> Result<(), StoreError> {
        self.call(Point::BeforeCommit)
    }

    /// A commit has run.
    pub(crate) fn after_commit(&self) -> Result<(), StoreError> {
        self.call(Point::AfterCommit)
    }

    /// What became of a closure that answered `done`: one that hides the fault it met still met it.
    pub(crate) fn outcome<T, E: From<StoreError>>(&self, done: Result<T, E>) -> Result<T, E> {
        match self.lock().met {
            None => done,
            Some(Fault::Crash) => Err(StoreError::Crashed.into()),
            Some(Fault::DiskFull) => done.and_then(|_| Err(disk_full().into())),
        }
    }

    fn call(&self, point: Point) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.met == Some(Fault::Crash) {
            return Err(StoreError::Crashed);
        }
        state.calls += 1;
        let calls = state.calls;
        let due = |at: Option<u64>| at.is_some_and(|at| at <= calls);
        if due(state.crash_at) {
            state.crash_at = None;
            state.crashed = true;
            state.met = Some(Fault::Crash);
            return Err(StoreError::Crashed);
        }
        if due(state.full_at) && point != Point::AfterCommit {
            state.full_at = None;
            state.met = Some(Fault::DiskFull);
            return Err(disk_full());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn disk_full() -> StoreError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
    let text = "database or disk is full".to_owned();
    StoreError::Database(rusqlite::Error::SqliteFailure(code, Some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_comes_once_and_lasts_until_the_restart() {
        let faults = Faults::default();
        faults.begin().unwrap();
        faults.statement().unwrap();
        faults.crash_at(2);
        faults.statement().unwrap();
        assert!(matches!(faults.statement(), Err(StoreError::Crashed)));
        assert!(matches!(faults.statement(), Err(StoreError::Crashed)));
        assert!(matches!(faults.begin(), Err(StoreError::Crashed)));
        assert_eq!((faults.calls(), faults.crashed()), (3, true));
        faults.restart();
        faults.begin().unwrap();
        faults.statement().unwrap();
        assert_eq!((faults.calls(), faults.crashed()), (4, false));
    }

    #[test]
    fn a_restart_inside_a_transaction_does_not_save_it() {
        let faults = Faults::default();
        faults.begin().unwrap();
        faults.crash_at(1);
        faults.statement().unwrap_err();
        faults.restart();
        assert!(matches!(faults.statement(), Err(StoreError::Crashed)));
        assert!(matches!(
            faults.outcome(Ok::<_, StoreError>(())),
            Err(StoreError::Crashed)
        ));
    }

    #[test]
    fn what_is_committed_needs_no_room() {
        let faults = Faults::default();
        faults.begin().unwrap();
        faults.disk_full_at(1);
        faults.after_commit().unwrap();
        assert!(faults.before_commit().is_err());
        assert!(!faults.crashed());
    }

    #[test]
    fn what_was_asked_for_can_be_taken_back() {
        let faults = Faults::default();
        faults.crash_at(1);
        faults.disk_full_at(1);
        faults.disarm();
        faults.begin().unwrap();
        faults.statement().unwrap();
    }
}
