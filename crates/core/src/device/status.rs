//! The statuses of a device inside an execution.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where one device stands in one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// Chosen; its wave is not open yet.
    Pending,
    /// Offered the update; has not come to fetch it.
    Released,
    /// Came to fetch it.
    Downloading,
    /// Has it and is writing it.
    Installing,
    /// Wrote it and is starting into it.
    Rebooting,
    /// Has it in the inactive slot and waits for the switch.
    Verifying,
    /// Runs the new version and said so.
    Succeeded,
    /// Said that the update failed.
    Failed,
    /// Was told to go back to the version it had.
    RollingBack,
    /// Runs the version it had.
    RolledBack,
    /// Did not go back; needs a person.
    RollbackFailed,
    /// Left out by policy.
    Skipped,
    /// The offer was taken back before it installed.
    Cancelled,
    /// Fetched the update and was not heard of by its deadline.
    TimedOut,
}

impl DeviceStatus {
    /// Every status, in the order of a device's life.
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::Released,
        Self::Downloading,
        Self::Installing,
        Self::Rebooting,
        Self::Verifying,
        Self::Succeeded,
        Self::Failed,
        Self::RollingBack,
        Self::RolledBack,
        Self::RollbackFailed,
        Self::Skipped,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// The status's name in the API, the database and the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Released => "released",
            Self::Downloading => "downloading",
            Self::Installing => "installing",
            Self::Rebooting => "rebooting",
            Self::Verifying => "verifying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::RollbackFailed => "rollback_failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Came to fetch the update and is not through.
    #[must_use]
    pub const fn in_flight(self) -> bool {
        matches!(
            self,
            Self::Downloading | Self::Installing | Self::Rebooting | Self::Verifying
        )
    }

    /// The device runs the version that it had, and will not be given another by this execution.
    #[must_use]
    pub const fn runs_the_earlier_version(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::Skipped | Self::Cancelled | Self::RolledBack
        )
    }

    /// Nothing more is expected of the device.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Failed
                | Self::RolledBack
                | Self::RollbackFailed
                | Self::Skipped
                | Self::Cancelled
                | Self::TimedOut
        )
    }
}

impl fmt::Display for DeviceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no device status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a device status")]
pub struct UnknownStatus(pub String);

impl FromStr for DeviceStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_positions_agree() {
        for (index, status) in DeviceStatus::ALL.into_iter().enumerate() {
            assert_eq!(status.index(), index);
            assert_eq!(status.name().parse(), Ok(status));
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(json, format!("\"{}\"", status.name()));
        }
    }
}
