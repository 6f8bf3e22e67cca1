//! The store's edge: closures in, answers out.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::sqlite::{Files, Readers, Writer};
use crate::{StoreError, Tx, migrate};

/// The database. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // Order matters: threads end before the lock is let go.
    readers: Readers,
    writer: Writer,
    _files: Files,
}

impl Store {
    /// Opens the database in `folder`, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// The folder is in use or unusable, or its database is damaged or newer than this program.
    pub fn open(folder: &Path, readers: usize) -> Result<Self, StoreError> {
        let files = Files::lock(folder)?;
        let writer = files.writer()?;
        migrate::run(&writer)?;
        let connections = (0..readers.max(1))
            .map(|_| files.reader())
            .collect::<Result<_, _>>()?;
        let failed = |source| StoreError::Files {
            path: folder.to_owned(),
            source,
        };
        let readers = Readers::start(connections).map_err(failed)?;
        let writer = Writer::start(writer).map_err(failed)?;
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                writer,
                _files: files,
            }),
        })
    }

    /// Runs `work` on one consistent state.
    ///
    /// # Errors
    /// What `work` returns, or that the store is closed or broken.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.inner.readers.submit(Box::new(move |view| {
            drop(answer.send(view.map_err(E::from).and_then(work)));
        }))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Runs `work` and keeps what it wrote, all of it or, on an error, nothing. When this returns
    /// `Ok` the changes are on the disk.
    ///
    /// # Errors
    /// What `work` returns, or that the commit failed.
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_then(work, |_| {}).await
    }

    /// As [`Self::write`]; `after` runs once the changes are on the disk, before anything that was
    /// written later is seen by anyone. What is kept in memory beside the database follows it here.
    ///
    /// # Errors
    /// As [`Self::write`]; then `after` does not run.
    pub async fn write_then<T, E>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.inner.writer.submit(Box::new(move |tx| {
            let result = work(tx);
            let keep = result.is_ok();
            let reply = move |committed: Result<(), StoreError>| {
                let outcome = result.and_then(|value| committed.map(|()| value).map_err(E::from));
                if let Ok(value) = &outcome {
                    after(value);
                }
                drop(answer.send(outcome));
            };
            (keep, Box::new(reply))
        }))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }
}
