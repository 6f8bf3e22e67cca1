//! `logging`: what is written down while the server runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;

/// The log and the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// Whether every change is recorded in the audit trail.
    pub audit_logging: bool,
    /// Least important kind of message that is logged.
    pub log_level: LogLevel,
    /// File that audit entries are written to as well.
    pub log_file: Option<String>,
    /// Whether a log line carries everything that is known of its request.
    pub detailed_logging: bool,
    /// Whether the libraries that the server is made of log at the same level; they log warnings only otherwise.
    pub verbose_output: bool,
}

/// How important a message is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What may become a problem.
    Warning,
    /// What went wrong.
    Error,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            audit_logging: true,
            log_level: LogLevel::default(),
            log_file: None,
            detailed_logging: false,
            verbose_output: false,
        }
    }
}

impl Logging {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        if let Some(file) = &self.log_file {
            rules::filled(file, &place.key("log_file"), report);
        }
    }
}
