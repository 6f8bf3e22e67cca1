//! Stages of the path from development to production.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an environment stands on the path; stages are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Where images are made.
    Development,
    /// Where they are tried on benches.
    Testing,
    /// Where they run as in the field.
    Staging,
    /// The field.
    Production,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}
