//! The threads that read, each with its own connection and a consistent view for each closure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use rusqlite::Connection;

use crate::tx::Access;
use crate::{StoreError, Tx};

/// A closure in waiting; it answers its caller itself.
pub(crate) type Job = Box<dyn FnOnce(Result<&Tx<'_>, StoreError>) + Send>;

/// The reading threads.
pub(crate) struct Readers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(crate) fn start(connections: Vec<Connection>) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::unbounded::<Job>();
        let start = |connection| {
            let waiting = waiting.clone();
            std::thread::Builder::new()
                .name("store-reader".into())
                .spawn(move || run(&connection, &waiting))
        };
        let threads = connections
            .into_iter()
            .map(start)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            jobs: Some(jobs),
            threads,
        })
    }

    pub(crate) fn submit(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn run(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(job) = waiting.recv() {
        let begun = connection.execute_batch("BEGIN");
        let tx = Tx::new(connection, Access::Read, None);
        let view = begun.map(|()| &tx).map_err(StoreError::from);
        // A panicking closure drops its answer, which tells the caller.
        drop(catch_unwind(AssertUnwindSafe(|| job(view))));
        if !connection.is_autocommit() {
            drop(connection.execute_batch("COMMIT"));
        }
    }
}
