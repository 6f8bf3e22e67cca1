//! Typed names of things. The short public forms (`plan_…`, `exec_…`, `fw_…`) are made by the server.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest device id accepted, in characters.
pub const DEVICE_ID_MAX: usize = 256;

/// Position of a wave in its execution, from 0. People see it counted from 1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct WaveIndex(pub u32);

impl WaveIndex {
    /// The index as a position in a list of waves.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0 as usize
    }

    /// The wave after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for WaveIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wave {}", self.0 + 1)
    }
}

/// Number of one attempt at one device, as devices see it.
///
/// Fits a positive signed 32-bit integer, and is always odd and above 10: some clients cut off the
/// first digit when they cancel and can't cancel what is then zero (10, 20, 300 …).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct ActionId(pub u32);

impl ActionId {
    /// The first number given out.
    pub const FIRST: Self = Self(11);
    /// The distance between two neighbours.
    pub const STEP: u32 = 2;
    /// The largest number that devices can hold.
    pub const MAX: Self = Self(i32::MAX as u32);
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text can't be a device id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDeviceId {
    /// Nothing there.
    #[error("a device id can't be empty")]
    Empty,
    /// Too many characters.
    #[error("a device id has at most {DEVICE_ID_MAX} characters")]
    TooLong,
    /// A character that would break a link or a log line.
    #[error("a device id can't contain control characters or a slash")]
    BadCharacter,
}

/// Checks that `id` can name a device.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_device_id(id: &str) -> Result<(), BadDeviceId> {
    if id.is_empty() {
        return Err(BadDeviceId::Empty);
    }
    if id.chars().count() > DEVICE_ID_MAX {
        return Err(BadDeviceId::TooLong);
    }
    if id.chars().any(|c| c.is_control() || c == '/') {
        return Err(BadDeviceId::BadCharacter);
    }
    Ok(())
}
