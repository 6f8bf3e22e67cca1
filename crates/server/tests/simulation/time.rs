//! The line of time that everything happens on: milliseconds from the start of the history.

use fleetward_core::Timestamp;

pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2026-03-02, a Monday, 06:00 UTC.
const START: i64 = 1_772_431_200_000;

/// A moment of the line as clocks tell it that are right.
pub(crate) fn stamp(at: i64) -> Timestamp {
    Timestamp::from_millisecond(START + at).expect("a moment of a history")
}

/// The other way round.
pub(crate) fn moment(at: Timestamp) -> i64 {
    at.as_millisecond().saturating_sub(START)
}
