//! `deployment_window` and `deployment_windows`: the times of day in which devices may be released.

use fleetward_core::calendar::{self, Days, Minute, Window, is_timezone};
use jiff::tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;
use super::suggest::closest;

/// A window that opens on some days of the week; it crosses midnight when it ends before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentWindow {
    /// First minute of the window as `HH:MM`, from 00:00 to 23:59.
    pub start_time: String,
    /// Minute at which the window closes as `HH:MM`, from 00:00 to 24:00; no device is released from then on.
    pub end_time: String,
    /// Days of the week on which the window opens; every day when left out. What lies after midnight belongs to the day
    /// before.
    pub days: Option<Vec<Weekday>>,
    /// IANA time zone of both times, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub timezone: String,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// The first day of the week.
    Monday,
    /// The day after Monday.
    Tuesday,
    /// The day after Tuesday.
    Wednesday,
    /// The day after Wednesday.
    Thursday,
    /// The day after Thursday.
    Friday,
    /// The first day of the weekend.
    Saturday,
    /// The last day of the weekend.
    Sunday,
}

/// Whose clock the windows are read on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowTimezone {
    /// That of the time zone which each window names.
    #[default]
    Environment,
    /// That of each device's own time zone; that of the window for a device whose time zone is not known.
    Device,
}

impl DeploymentWindow {
    /// The window that this one of a checked configuration is.
    ///
    /// # Panics
    /// When the configuration was not checked, and this is no window.
    pub fn window(&self) -> Window {
        let minute = |text: &str| -> Minute {
            let minute = text.parse();
            minute.expect("invariant: a checked configuration has times in its windows")
        };
        let days: Days = self.days.iter().flatten().map(|day| day.day()).collect();
        let (start, end) = (minute(&self.start_time), minute(&self.end_time));
        Window::new(start, end, days, &self.timezone)
            .expect("invariant: a window of a checked configuration is one")
    }

    fn review(&self, place: &Place, report: &mut Report<'_>) {
        let start = review_start(&self.start_time, &place.key("start_time"), report);
        let end = review_end(&self.end_time, &place.key("end_time"), report);
        if start.is_some() && start == end {
            let message = "is the start time too, so the window would never be open; for the \
                           whole day write 00:00 and 24:00";
            report.refuse(&place.key("end_time"), message);
        }
        if let Some(days) = &self.days {
            let place = place.key("days");
            if days.is_empty() {
                let message = "has no day in it, so the window would never be open; leave it out \
                               for every day";
                report.refuse(&place, message);
            }
            rules::distinct(days, &place, report);
        }
        if !is_timezone(&self.timezone) {
            let names: Vec<_> = tz::db().available().collect();
            let suggestion = closest(&self.timezone, names.iter().map(|name| name.as_str()));
            let message =
                "is no time zone that is known here; use an IANA name such as `Europe/Berlin`";
            report.refuse_but(&place.key("timezone"), message, suggestion);
        }
    }
}

impl Weekday {
    fn day(self) -> calendar::Weekday {
        match self {
            Self::Monday => calendar::Weekday::Monday,
            Self::Tuesday => calendar::Weekday::Tuesday,
            Self::Wednesday => calendar::Weekday::Wednesday,
            Self::Thursday => calendar::Weekday::Thursday,
            Self::Friday => calendar::Weekday::Friday,
            Self::Saturday => calendar::Weekday::Saturday,
            Self::Sunday => calendar::Weekday::Sunday,
        }
    }
}

impl From<WindowTimezone> for calendar::WindowTimezone {
    fn from(whose: WindowTimezone) -> Self {
        match whose {
            WindowTimezone::Environment => Self::Environment,
            WindowTimezone::Device => Self::Device,
        }
    }
}

/// The windows of the environment at `place`, which has one of the two keys at most.
pub(crate) fn review(
    single: Option<&DeploymentWindow>,
    several: &[DeploymentWindow],
    place: &Place,
    report: &mut Report<'_>,
) {
    let list = place.key("deployment_windows");
    if let Some(window) = single {
        window.review(&place.key("deployment_window"), report);
        if !several.is_empty() {
            let message = "can't be given together with `deployment_window`; move that window \
                           into this list";
            report.refuse(&list, message);
        }
    }
    for (index, window) in several.iter().enumerate() {
        window.review(&list.item(index), report);
    }
    rules::distinct(several, &list, report);
}

fn review_start(text: &str, place: &Place, report: &mut Report<'_>) -> Option<Minute> {
    let message = "must be a time as `HH:MM`, from 00:00 to 23:59";
    let minute = review_minute(text, message, place, report)?;
    if minute == Minute::END_OF_DAY {
        report.refuse_but(place, message, Some("00:00".to_owned()));
        return None;
    }
    Some(minute)
}

fn review_end(text: &str, place: &Place, report: &mut Report<'_>) -> Option<Minute> {
    let message = "must be a time as `HH:MM`, from 00:00 to 24:00";
    review_minute(text, message, place, report)
}

/// Reads exactly `HH:MM`.
fn review_minute(
    text: &str,
    message: &str,
    place: &Place,
    report: &mut Report<'_>,
) -> Option<Minute> {
    let minute = text.parse().ok();
    if minute.is_none() {
        let padded = format!("0{text}");
        let suggestion = padded.parse::<Minute>().ok().map(|_| padded);
        report.refuse_but(place, message, suggestion);
    }
    minute
}

fn utc() -> String {
    "UTC".to_owned()
}
