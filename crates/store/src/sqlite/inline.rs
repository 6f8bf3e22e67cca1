//! SQLite without threads: one connection in memory, and closures that run where they are called.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use rusqlite::Connection;

use super::writer::statement;
use crate::tx::Access;
use crate::{Faults, StoreError, Tx, migrate};

/// One connection, for one closure at a time.
pub(crate) struct Inline {
    connection: Mutex<Connection>,
    /// The thread whose closure runs now.
    running: Mutex<Option<ThreadId>>,
    faults: Faults,
}

/// The right to use the connection.
struct Entered<'a> {
    connection: MutexGuard<'a, Connection>,
    running: &'a Mutex<Option<ThreadId>>,
}

impl Inline {
    /// An empty database with the newest schema.
    pub(crate) fn open() -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;",
        )?;
        migrate::run(&connection)?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(Self {
            connection: Mutex::new(connection),
            running: Mutex::new(None),
            faults: Faults::default(),
        })
    }

    #[cfg(any(test, feature = "fault"))]
    pub(crate) const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Nobody else is let in meanwhile, so that one state is read without a transaction.
    pub(crate) fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let entered = self.enter()?;
        self.run(&entered.connection, Access::Read, work)
    }

    pub(crate) fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
        after: impl FnOnce(&T),
    ) -> Result<T, E> {
        let entered = self.enter()?;
        let connection = &*entered.connection;
        statement(connection, "BEGIN IMMEDIATE").map_err(StoreError::from)?;
        let done = self
            .run(connection, Access::Write, work)
            .and_then(|value| Ok(self.commit(connection).map(|()| value)?));
        if done.is_err() && !connection.is_autocommit() {
            statement(connection, "ROLLBACK").map_err(StoreError::from)?;
        }
        if let Ok(value) = &done {
            after(value);
        }
        done
    }

    fn enter(&self) -> Result<Entered<'_>, StoreError> {
        let this = thread::current().id();
        if *lock(&self.running) == Some(this) {
            return Err(StoreError::Reentered);
        }
        let connection = lock(&self.connection);
        *lock(&self.running) = Some(this);
        let entered = Entered {
            connection,
            running: &self.running,
        };
        self.faults.begin()?;
        Ok(entered)
    }

    fn run<T, E: From<StoreError>>(
        &self,
        connection: &Connection,
        access: Access,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = Tx::new(connection, access, Some(&self.faults));
        let done = catch_unwind(AssertUnwindSafe(|| work(&tx)))
            .unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        self.faults.outcome(done)
    }

    fn commit(&self, connection: &Connection) -> Result<(), StoreError> {
        self.faults.before_commit()?;
        statement(connection, "COMMIT")?;
        self.faults.after_commit()
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *lock(self.running) = None;
    }
}

/// A closure that panicked has been undone, so that what it held is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
