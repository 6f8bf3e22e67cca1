//! Opening the database file, and keeping other processes out of it.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// The database's files, locked for this process.
pub(crate) struct Files {
    database: PathBuf,
    _lock: File,
}

impl Files {
    /// Locks `folder` and names the database in it.
    pub(crate) fn lock(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let path = folder.join("fleetward.lock");
        let lock = File::create(&path).map_err(|source| failed(&path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                database: folder.join("fleetward.db"),
                _lock: lock,
            }),
            Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(&path, source)),
        }
    }

    /// The connection that writes. `synchronous=FULL`: what was committed survives a power cut.
    pub(crate) fn writer(&self) -> Result<Connection, StoreError> {
        let connection = Connection::open(&self.database)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 8000;
             PRAGMA journal_size_limit = 268435456;
             PRAGMA cache_size = -131072;
             PRAGMA temp_store = MEMORY;",
        )?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(connection)
    }

    /// A connection that only reads.
    pub(crate) fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.database, flags)?;
        connection.execute_batch("PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;")?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(connection)
    }
}

fn failed(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Files {
        path: path.to_owned(),
        source,
    }
}
