//! The ways in which a device can fail, each with limits and retries of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a device failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The device said that the installation failed.
    InstallFailed,
    /// It started into the new version, went back by itself and said so.
    RolledBackOnDevice,
    /// It wrote the update and was not heard of again.
    UpdatedThenSilent,
    /// It fetched the update and was not heard of by its deadline.
    TimedOut,
    /// It never came to fetch the update.
    NeverContacted,
    /// It said that going back failed.
    RollbackFailed,
    /// It was told to go back and was not heard of by the deadline.
    RollbackTimedOut,
    /// The image of its earlier version is not here.
    NoEarlierImage,
    /// Its earlier version is older than it may run.
    BelowSecurityFloor,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::InstallFailed,
        Self::RolledBackOnDevice,
        Self::UpdatedThenSilent,
        Self::TimedOut,
        Self::NeverContacted,
        Self::RollbackFailed,
        Self::RollbackTimedOut,
        Self::NoEarlierImage,
        Self::BelowSecurityFloor,
    ];

    /// The kind's name in the API, the database and the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InstallFailed => "install_failed",
            Self::RolledBackOnDevice => "rolled_back_on_device",
            Self::UpdatedThenSilent => "updated_then_silent",
            Self::TimedOut => "timed_out",
            Self::NeverContacted => "never_contacted",
            Self::RollbackFailed => "rollback_failed",
            Self::RollbackTimedOut => "rollback_timed_out",
            Self::NoEarlierImage => "no_earlier_image",
            Self::BelowSecurityFloor => "below_security_floor",
        }
    }

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// A failure to take the update; the others are failures to go back, or no contact.
    #[must_use]
    pub const fn of_update(self) -> bool {
        matches!(
            self,
            Self::InstallFailed
                | Self::RolledBackOnDevice
                | Self::UpdatedThenSilent
                | Self::TimedOut
        )
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InstallFailed => "the installation failed",
            Self::RolledBackOnDevice => "the device went back by itself",
            Self::UpdatedThenSilent => "updated, then silent",
            Self::TimedOut => "not heard of by the deadline",
            Self::NeverContacted => "never came to fetch the update",
            Self::RollbackFailed => "going back failed",
            Self::RollbackTimedOut => "not heard of while going back",
            Self::NoEarlierImage => "the image of its earlier version is not here",
            Self::BelowSecurityFloor => "its earlier version is below the security floor",
        })
    }
}

impl FromStr for FailureKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("`{text}` is not a kind of failure: use one of {names}")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_positions_agree() {
        for (index, kind) in FailureKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
            assert_eq!(kind.name().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
    }
}
