//! What can go wrong in the store.

use std::path::PathBuf;

/// Why a read or a write did not happen. A failed write left nothing behind, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused.
    #[error("the database refused: {0}")]
    Database(#[from] rusqlite::Error),
    /// A stored value is not what the program writes.
    #[error("a stored value is damaged ({what}): restore the database from a backup")]
    Damaged {
        /// Which value.
        what: String,
    },
    /// The database belongs to a newer version of this program.
    #[error(
        "the database has schema {found}, this program knows {known}: run the newer program again"
    )]
    NewerSchema {
        /// The database's schema.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// A migration that was applied is not the one compiled in.
    #[error("migration {number} of this database differs from this program's: restore a backup")]
    ForeignMigration {
        /// Its number.
        number: i64,
    },
    /// Another process has the database open for writing.
    #[error("{path} is in use by another process: stop it, or choose another data directory")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("can't use {path}: {source}")]
    Files {
        /// What was being opened.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The store's threads are gone.
    #[error("the store is shut down")]
    Closed,
    /// A group of reports failed together; the log says why.
    #[error("the device reports that waited together could not be stored")]
    NotStored,
    /// A closure panicked; its changes were undone.
    #[error("a write broke off inside the program; nothing of it was kept")]
    Panicked,
    /// A closure called the store that it runs in.
    #[error("a closure called its own store again: use the transaction that it was given")]
    Reentered,
    /// The store has threads of its own, so that the caller can't run a closure at once.
    #[error("this store runs closures on its own threads: await `read` or `write` instead")]
    NotInline,
    /// A test made the store crash. Nothing is known of the call that it happened in.
    #[error("the store crashed because a test asked for it: restart it")]
    Crashed,
    /// Who wrote this does not hold the execution's lease any more.
    #[error(
        "the lease of execution {execution_key} was taken over or given back; nothing was written: take it again"
    )]
    Fenced {
        /// The execution.
        execution_key: i64,
    },
    /// Every action number that devices can hold has been given out.
    #[error("no action numbers are left: devices can hold no larger ones")]
    ActionsExhausted,
}

impl StoreError {
    pub(crate) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged {
            what: what.to_string(),
        }
    }

    /// Whether a row broke a rule of uniqueness.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        let Self::Database(rusqlite::Error::SqliteFailure(failure, _)) = self else {
            return false;
        };
        failure.code == rusqlite::ErrorCode::ConstraintViolation
    }
}
