//! The face between a device and whoever carries its requests. Not in here: HTTP.

use crate::wire::{ActionId, BasePoll, CancelAction, ConfigData, DeploymentBase, Feedback};

/// What a device wants to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this, then call [`Device::answer`](super::Device::answer).
    Request(Request),
    /// Nothing for this many milliseconds, at least 1.
    Wait(u64),
    /// Nothing until the device is brought online or its behaviour changes.
    Park,
}

/// A request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// GET the device's base address.
    Poll,
    /// PUT attributes.
    ConfigData {
        /// Where to.
        url: String,
        /// The attributes.
        body: ConfigData,
    },
    /// GET the offered update.
    DeploymentBase {
        /// Where from.
        url: String,
    },
    /// GET the order to cancel.
    CancelAction {
        /// Where from.
        url: String,
    },
    /// GET an artifact, or HEAD if it is not `whole`.
    Download {
        /// Where from.
        url: String,
        /// Whether the content is wanted.
        whole: bool,
    },
    /// POST a report about an update to `deploymentBase/{action}/feedback`.
    Feedback {
        /// The action.
        action: ActionId,
        /// The report.
        body: Feedback,
    },
    /// POST an answer to a cancellation to `cancelAction/{action}/feedback`.
    CancelFeedback {
        /// The action.
        action: ActionId,
        /// The report.
        body: Feedback,
    },
}

/// What came of a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// 200 to a poll.
    Poll(BasePoll),
    /// 200 with an offered update.
    Deployment(DeploymentBase),
    /// 200 with an order to cancel.
    Cancel(CancelAction),
    /// 200 to attributes or a report.
    Accepted,
    /// An artifact was fetched.
    Downloaded {
        /// Bytes received, or announced when only asked for.
        size: u64,
        /// Lower-case hex SHA-256 of what was received.
        sha256: Option<String>,
    },
    /// Any status but 200.
    Refused(u16),
    /// 200 with a body that can't be used.
    Garbled,
    /// No connection, or it broke.
    Unreachable,
}
