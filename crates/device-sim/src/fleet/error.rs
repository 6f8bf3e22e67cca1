//! Why a fleet can't be started. Not in here: what goes wrong while it runs, which is counted.

use crate::behaviour::BehaviourError;

/// A fleet that can't be started.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The server's address is unusable.
    #[error("server address {url:?} can't be used: give one like http://127.0.0.1:5001")]
    BaseUrl {
        /// The address.
        url: String,
    },
    /// There are no hardware models, or their shares don't make sense.
    #[error(
        "hardware models of the fleet: give at least one, with shares of 0 or more that are not all 0"
    )]
    Models,
    /// The time scale is not a positive number.
    #[error(
        "time scale {0} of the fleet: give a number above 0, such as 20 for twenty times faster"
    )]
    TimeScale(f64),
    /// No request may be in flight.
    #[error("concurrency of the fleet is 0: let at least 1 request be in flight")]
    Concurrency,
    /// A token can't be sent in a header.
    #[error("the token of device {id} has characters that no header may have: use printable ASCII")]
    Token {
        /// The device.
        id: String,
    },
    /// The behaviour is not possible.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// The HTTP client can't be made.
    #[error("the HTTP client of the fleet can't be made: check the TLS set-up of this machine")]
    Client(#[source] reqwest::Error),
}
