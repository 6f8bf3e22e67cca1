//! The search for the next moment at which a set of windows opens or closes.
//!
//! Between two changes of clocks every offset is constant, and open and closed repeat themselves each
//! week. So at most one week is looked at, from edge to edge of the windows, before going on to the next
//! change of a clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::window::Window;

const WEEK: i64 = 7 * 24 * 60 * 60;
/// Dates and weekdays, and the rules for clocks that are made of them, repeat themselves after 400 years.
const CYCLE: i64 = 146_097 * 24 * 60 * 60;

/// A window and the clock it is read on.
pub(super) struct Placed<'w> {
    pub(super) window: &'w Window,
    pub(super) zone: TimeZone,
}

impl Placed<'_> {
    pub(super) fn is_open(&self, at: Timestamp) -> bool {
        self.on_clock(at).is_open(second(at))
    }

    /// The window with the offset that its clock has at this moment.
    fn on_clock(&self, at: Timestamp) -> OnClock<'_> {
        OnClock {
            window: self.window,
            offset: self.zone.to_offset(at).seconds().into(),
        }
    }

    fn clock_changes_after(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.zone.following(at).next()?;
        Some(next.timestamp())
    }
}

/// The next moment after `at` at which the windows together open or close.
pub(super) fn next(windows: &[Placed<'_>], at: Timestamp) -> Option<Timestamp> {
    let open = windows.iter().any(|it| it.is_open(at));
    if open && never_close(windows) {
        return None;
    }
    let last = second(at).saturating_add(CYCLE);
    let mut from = at;
    loop {
        let clocks: Vec<OnClock<'_>> = windows.iter().map(|it| it.on_clock(from)).collect();
        let clock_changes = windows
            .iter()
            .filter_map(|it| it.clock_changes_after(from))
            .min();
        let week = second(from) + WEEK;
        let until = clock_changes.map_or(week, |change| week.min(second(change)));
        if let Some(change) = next_between(&clocks, open, second(from), until) {
            return Timestamp::from_second(change).ok();
        }
        from = clock_changes.filter(|&change| second(change) <= last)?;
        if windows.iter().any(|it| it.is_open(from)) != open {
            return Some(from);
        }
    }
}

/// A window on a clock that does not change.
struct OnClock<'w> {
    window: &'w Window,
    offset: i64,
}

impl OnClock<'_> {
    fn is_open(&self, second: i64) -> bool {
        self.window.holds(second + self.offset)
    }

    fn next_edge(&self, second: i64) -> i64 {
        self.window.next_edge(second + self.offset) - self.offset
    }
}

/// The first second after `from` and before `until` at which the windows are no longer open, or closed.
fn next_between(clocks: &[OnClock<'_>], open: bool, from: i64, until: i64) -> Option<i64> {
    let mut at = from;
    loop {
        at = clocks.iter().map(|it| it.next_edge(at)).min()?;
        if at >= until {
            return None;
        }
        if clocks.iter().any(|it| it.is_open(at)) != open {
            return Some(at);
        }
    }
}

/// Whether the windows of one zone alone leave no local time out.
fn never_close(windows: &[Placed<'_>]) -> bool {
    windows.iter().any(|first| {
        let name = first.zone.iana_name();
        let of_zone: Vec<&Window> = windows
            .iter()
            .filter(|it| it.zone.iana_name() == name)
            .map(|it| it.window)
            .collect();
        Window::fill_the_week(&of_zone)
    })
}

/// The whole second in which a moment lies, also before 1970.
fn second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}
