//! `global`: whose installation this is, and where its news go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::notifications::Channel;
use super::place::Place;
use super::report::Report;
use super::rules;

/// What holds for the whole installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Global {
    /// Name of the organization, shown in the web pages and in reports.
    pub organization: String,
    /// Name of the project or fleet, shown beside the organization.
    pub project: String,
    /// Channels for news that no environment and no alert rule names channels for.
    pub notification_channels: Vec<Channel>,
}

impl Global {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        let channels = place.key("notification_channels");
        rules::distinct(&self.notification_channels, &channels, report);
    }
}
