//! Starting and stopping.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::Config;

/// What a server needs to start.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The checked configuration.
    pub config: Config,
    /// Where the database and the images are kept.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The first admin key, instead of one made here.
    pub bootstrap_key: Option<String>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Placeholder.
    #[error("not yet")]
    NotYet,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The admin key that was made because there was none; shown this once.
    #[must_use]
    pub const fn first_key(&self) -> Option<&str> {
        None
    }

    /// Finishes what is under way and stops.
    pub async fn stop(self) {
        tokio::task::yield_now().await;
    }
}

/// Starts a server.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(options: ServeOptions) -> Result<Server, StartError> {
    tokio::task::yield_now().await;
    drop(options);
    Err(StartError::NotYet)
}
