//! The thread that writes. Closures that wait together share one commit; each has a savepoint of its
//! own, so that one that fails harms no neighbour.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use rusqlite::Connection;

use crate::tx::Access;
use crate::{StoreError, Tx};

/// Most closures in one commit.
const GROUP: usize = 1024;

/// Answers a caller once the outcome of the commit is known.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A closure in waiting. It says whether what it did is to be kept, and how to answer.
pub(crate) type Job = Box<dyn FnOnce(&Tx<'_>) -> (bool, Answer) + Send>;

/// The writing thread.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::unbounded();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&connection, &waiting))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(crate) fn submit(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)
    }
}

impl Drop for Writer {
    /// Finishes what waits.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut answers = Vec::new();
        let outcome = group(connection, first, waiting, &mut answers);
        if outcome.is_err() && !connection.is_autocommit() {
            drop(connection.execute_batch("ROLLBACK"));
        }
        for answer in answers {
            answer(outcome.as_ref().copied().map_err(again));
        }
    }
    drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
}

fn group(
    connection: &Connection,
    first: Job,
    waiting: &Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), rusqlite::Error> {
    let begun = statement(connection, "BEGIN IMMEDIATE");
    let more = std::iter::from_fn(|| waiting.try_recv().ok());
    let mut failed = begun.err();
    for job in std::iter::once(first).chain(more).take(GROUP) {
        match one(connection, job) {
            Ok(answer) => answers.push(answer),
            Err((error, answer)) => {
                answers.extend(answer);
                failed.get_or_insert(error);
            }
        }
        if failed.is_some() {
            break;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => statement(connection, "COMMIT"),
    }
}

fn one(connection: &Connection, job: Job) -> Result<Answer, (rusqlite::Error, Option<Answer>)> {
    statement(connection, "SAVEPOINT caller").map_err(|error| (error, None))?;
    let tx = Tx::new(connection, Access::Write, None);
    let (keep, answer) = catch_unwind(AssertUnwindSafe(|| job(&tx)))
        .unwrap_or_else(|_| (false, Box::new(drop) as Answer));
    let undone = if keep {
        Ok(())
    } else {
        statement(connection, "ROLLBACK TO caller")
    };
    let released = undone.and_then(|()| statement(connection, "RELEASE caller"));
    match released {
        Ok(()) => Ok(answer),
        Err(error) => Err((error, Some(answer))),
    }
}

pub(super) fn statement(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// The same failure, told to each caller of the group.
fn again(error: &rusqlite::Error) -> StoreError {
    StoreError::Database(if let rusqlite::Error::SqliteFailure(code, text) = error {
        rusqlite::Error::SqliteFailure(*code, text.clone())
    } else {
        rusqlite::Error::ToSqlConversionFailure(error.to_string().into())
    })
}
