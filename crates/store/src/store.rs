//! The store's edge: closures in, answers out.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::sqlite::{Files, Inline, Readers, Writer};
use crate::{StoreError, Tx, migrate};

/// The database. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

enum Inner {
    Threads(Threads),
    Inline(Inline),
}

struct Threads {
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
            inner: Arc::new(Inner::Threads(Threads {
                readers,
                writer,
                _files: files,
            })),
        })
    }

    /// Opens an empty database in memory that runs inline: every closure at once, on the thread that
    /// calls. The futures of [`Self::read`], [`Self::write`] and [`Self::write_then`] are ready when
    /// they are first polled, and each has a twin that needs no future. The database goes with the
    /// last clone. One closure runs at a time; a second thread waits, and a closure that calls its own
    /// store again is told [`StoreError::Reentered`].
    ///
    /// # Errors
    /// The schema can't be made.
    pub fn in_memory() -> Result<Self, StoreError> {
        let inner = Arc::new(Inner::Inline(Inline::open()?));
        Ok(Self { inner })
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
        let threads = match &*self.inner {
            Inner::Threads(threads) => threads,
            Inner::Inline(inline) => return inline.read(work),
        };
        let (answer, answered) = oneshot::channel();
        threads.readers.submit(Box::new(move |view| {
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
        let threads = match &*self.inner {
            Inner::Threads(threads) => threads,
            Inner::Inline(inline) => return inline.write(work, after),
        };
        let (answer, answered) = oneshot::channel();
        threads.writer.submit(Box::new(move |tx| {
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

    /// As [`Self::read`], at once. Only for a store that runs inline.
    ///
    /// # Errors
    /// As [`Self::read`]; [`StoreError::NotInline`] where the store has threads of its own.
    pub fn read_now<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.inline()?.read(work)
    }

    /// As [`Self::write`], at once. Only for a store that runs inline.
    ///
    /// # Errors
    /// As [`Self::write`]; [`StoreError::NotInline`] where the store has threads of its own.
    pub fn write_now<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.write_now_then(work, |_| {})
    }

    /// As [`Self::write_then`], at once. Only for a store that runs inline.
    ///
    /// # Errors
    /// As [`Self::write`]; [`StoreError::NotInline`] where the store has threads of its own.
    pub fn write_now_then<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
        after: impl FnOnce(&T),
    ) -> Result<T, E> {
        self.inline()?.write(work, after)
    }

    /// What can be made to go wrong in a store that runs inline.
    ///
    /// # Panics
    /// The store has threads of its own: only those in memory fail on request.
    #[cfg(any(test, feature = "fault"))]
    #[must_use]
    pub fn faults(&self) -> &crate::Faults {
        let inline = self.inline();
        inline
            .expect("faults are for stores that run inline: open it with `Store::in_memory`")
            .faults()
    }

    fn inline(&self) -> Result<&Inline, StoreError> {
        match &*self.inner {
            Inner::Inline(inline) => Ok(inline),
            Inner::Threads(_) => Err(StoreError::NotInline),
        }
    }
}
