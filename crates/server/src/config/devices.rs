//! `devices`: how devices speak to the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;
use super::values::Seconds;

/// What holds for every device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Devices {
    /// Seconds between two polls of an idle device.
    #[schemars(range(min = 1, max = 86_399))]
    pub poll_interval: Seconds,
    /// Seconds between two polls of a device whose wave is open.
    #[schemars(range(min = 1, max = 86_399))]
    pub poll_interval_active: Seconds,
    /// Seconds after its release in which a device must have finished.
    pub device_timeout: Seconds,
    /// Address that devices reach the server under, for the links they are given; the one they called when left out.
    pub public_url: Option<String>,
    /// Number of attributes that a device may report.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_attributes: u32,
    /// Answer to a device that reports on an update it has already finished.
    pub ddi_feedback_after_end: FeedbackAfterEnd,
}

/// The answer to a report that comes after the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackAfterEnd {
    /// It is taken, and changes nothing that is decided.
    #[default]
    Accept,
    /// It is refused with status 410.
    Gone,
}

impl Default for Devices {
    fn default() -> Self {
        Self {
            poll_interval: Seconds(300),
            poll_interval_active: Seconds(10),
            device_timeout: Seconds(3_600),
            public_url: None,
            max_attributes: 100,
            ddi_feedback_after_end: FeedbackAfterEnd::default(),
        }
    }
}

impl Devices {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        let url = place.key("public_url");
        rules::optional_url(self.public_url.as_ref(), rules::HTTP, &url, report);
        let active = place.key("poll_interval_active");
        if report.marks.has(&active) && self.poll_interval_active > self.poll_interval {
            let idle = self.poll_interval.0;
            let message = format!("must not be longer than `poll_interval`, which is {idle}");
            report.refuse(&active, message);
        }
    }
}
