//! The life of a plan.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// Being written.
    Draft,
    /// Waits for someone with the right to approve.
    PendingApproval,
    /// May be executed.
    Approved,
    /// Was refused.
    Rejected,
    /// Waited too long.
    Expired,
    /// Was executed.
    Executed,
    /// A newer revision took its place.
    Superseded,
}

impl PlanState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::PendingApproval,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Executed,
        Self::Superseded,
    ];

    /// The state's name everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::PendingApproval => "pending_approval",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Executed => "executed",
            Self::Superseded => "superseded",
        }
    }

    /// Whether a plan in this state waits for approvals or for its execution, and so may expire.
    #[must_use]
    pub const fn waits(self) -> bool {
        match self {
            Self::PendingApproval | Self::Approved => true,
            Self::Draft | Self::Rejected | Self::Expired | Self::Executed | Self::Superseded => {
                false
            }
        }
    }
}

impl fmt::Display for PlanState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PlanState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is not a plan state"))
    }
}
