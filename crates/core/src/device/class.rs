//! How a device belongs to an execution: whether its wave waits for it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a device belongs to an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Chosen at the start; its wave is judged with it.
    #[default]
    OnTime,
    /// Missed its wave without ever coming; gets an offer when it comes.
    Absent,
    /// Missed its wave and came later.
    Arrived,
    /// Was not there when the devices were chosen.
    Joined,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::OnTime, Self::Absent, Self::Arrived, Self::Joined];

    /// The class's name in the API and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnTime => "on_time",
            Self::Absent => "absent",
            Self::Arrived => "arrived",
            Self::Joined => "joined",
        }
    }

    /// Position in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Judged on its own, not with a wave.
    #[must_use]
    pub const fn is_straggler(self) -> bool {
        !matches!(self, Self::OnTime)
    }

    /// Missed its wave.
    #[must_use]
    pub const fn is_late(self) -> bool {
        matches!(self, Self::Absent | Self::Arrived)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a class of devices")]
pub struct UnknownClass(pub String);

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.name() == text)
            .ok_or_else(|| UnknownClass(text.to_owned()))
    }
}
