//! The signals that ask a server to stop: Ctrl-C, and SIGTERM where there is one.

use crate::error::CliError;

/// The signals that stop a server.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Listens for them from now on.
    pub(crate) fn new() -> Result<Self, CliError> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|error| {
                    CliError::internal(format!("SIGTERM cannot be listened for: {error}"))
                })?,
        })
    }

    /// Waits for one.
    #[cfg(unix)]
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for one.
    #[cfg(not(unix))]
    pub(crate) async fn wait(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
