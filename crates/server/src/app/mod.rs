//! Use cases. Each one that changes something is one authorization check, one transaction and one
//! audit entry; the API and every other face call these.

pub mod devices;
pub mod environments;
pub mod executions;
pub mod firmware;
pub mod freezes;
pub mod keys;
pub mod plans;
pub mod preview;
pub mod reports;
pub mod simulate;
pub mod views;
pub mod why;

mod command;
mod error;
pub(crate) mod ids;

pub use command::{Aftermath, Call, Done, Idempotency};
pub use error::{AppError, Problem};

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fleetward_core::Timestamp;
use fleetward_store::Store;
use tokio_util::sync::CancellationToken;

use crate::auth::{Keys, Tokens};
use crate::blobs::Blobs;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::driver::Wakes;
use crate::ingest::Ingest;
use crate::outbox::Announcer;
use crate::roster::Roster;

/// Everything that use cases and device protocols work with. Shared by all of them.
pub struct App {
    /// The checked configuration.
    pub config: Arc<Config>,
    /// Durable state.
    pub store: Store,
    /// Images, by their digest.
    pub blobs: Blobs,
    /// What polls need, in memory.
    pub roster: Arc<Roster>,
    /// The way in for device reports.
    pub ingest: Ingest,
    /// Wakes the driver.
    pub wakes: Wakes,
    /// Firmware facts, in memory.
    pub catalog: Catalog,
    /// API keys, in memory.
    pub keys: Arc<Keys>,
    /// Checks JSON Web Tokens, where a secret is configured.
    pub tokens: Option<Tokens>,
    /// Tells who listens what happened.
    pub announcer: Announcer,
    /// Where the time comes from.
    pub clock: Clock,
    /// The server stops when this is cancelled.
    pub stop: CancellationToken,
    /// When the server started.
    pub started_at: Timestamp,
    /// Device polls answered.
    pub polls: AtomicU64,
}
