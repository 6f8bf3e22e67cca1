//! `freeze_periods`: times, known beforehand, in which nothing is released. Freezes that people declare while the
//! server runs are not configuration.

use fleetward_core::Timestamp;
use fleetward_core::calendar::Freeze;
use jiff::civil::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;

/// A time in which nothing is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezePeriod {
    /// First moment of the period in RFC 3339, such as `2026-12-23T18:00:00+01:00`.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,
    /// First moment after the period in RFC 3339; devices may be released again from then on.
    #[schemars(extend("format" = "date-time"))]
    pub until: String,
    /// Why nothing is released, for those who wait.
    pub reason: String,
}

impl FreezePeriod {
    /// The freeze that a period of a checked configuration is.
    ///
    /// # Panics
    /// When the configuration was not checked, and its times are none or in the wrong order.
    pub fn freeze(&self) -> Freeze {
        let moment = |text: &str| -> Timestamp {
            let moment = text.parse();
            moment.expect("invariant: a checked configuration has times in its freeze periods")
        };
        Freeze::new(moment(&self.from), Some(moment(&self.until)), &self.reason)
            .expect("invariant: a freeze period of a checked configuration ends after it begins")
    }

    fn review(&self, place: &Place, report: &mut Report<'_>) {
        let from = review_moment(&self.from, &place.key("from"), report);
        let until = review_moment(&self.until, &place.key("until"), report);
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            let message = "is not after `from`, so nothing would ever be frozen";
            report.refuse(&place.key("until"), message);
        }
        rules::filled(&self.reason, &place.key("reason"), report);
    }
}

pub(crate) fn review(periods: &[FreezePeriod], place: &Place, report: &mut Report<'_>) {
    for (index, period) in periods.iter().enumerate() {
        period.review(&place.item(index), report);
    }
    rules::distinct(periods, place, report);
}

fn review_moment(text: &str, place: &Place, report: &mut Report<'_>) -> Option<Timestamp> {
    let moment = text.parse().ok();
    if moment.is_none() {
        let local: Option<DateTime> = text.parse().ok();
        let message = "must be a date and a time with their offset from UTC, \
                       such as `2026-12-23T18:00:00+01:00`";
        report.refuse_but(place, message, local.map(|local| format!("{local}Z")));
    }
    moment
}
