//! `deployment_window`: the time of day in which devices may be released.

use jiff::civil::Time;
use jiff::tz::{self, TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::suggest::closest;

/// A daily window; it crosses midnight when it ends before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentWindow {
    /// First minute of the window as `HH:MM`, from 00:00 to 23:59.
    pub start_time: String,
    /// Minute at which the window closes as `HH:MM`; no device is released from then on.
    pub end_time: String,
    /// IANA time zone of both times, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub timezone: String,
}

impl DeploymentWindow {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        let start = review_time(&self.start_time, &place.key("start_time"), report);
        let end = review_time(&self.end_time, &place.key("end_time"), report);
        if start.is_some() && start == end {
            let message = "is the start time too, so the window would never be open; \
                           leave `deployment_window` out to allow any time";
            report.refuse(&place.key("end_time"), message);
        }
        if TimeZone::get(&self.timezone).is_err() {
            let names: Vec<_> = tz::db().available().collect();
            let suggestion = closest(&self.timezone, names.iter().map(|name| name.as_str()));
            let message =
                "is no time zone that is known here; use an IANA name such as `Europe/Berlin`";
            report.refuse_but(&place.key("timezone"), message, suggestion);
        }
    }
}

/// Reads exactly `HH:MM`.
fn parse_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn review_time(text: &str, place: &Place, report: &mut Report<'_>) -> Option<Time> {
    let time = parse_time(text);
    if time.is_none() {
        let padded = format!("0{text}");
        let suggestion = parse_time(&padded).map(|_| padded);
        let message = "must be a time as `HH:MM`, from 00:00 to 23:59";
        report.refuse_but(place, message, suggestion);
    }
    time
}

fn utc() -> String {
    "UTC".to_owned()
}
