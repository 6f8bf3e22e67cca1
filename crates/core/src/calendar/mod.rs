//! When devices may be released: windows in time zones, freezes, and the schedules of plans.
//!
//! Everything is computed from the moment that is asked about. What happens to a rollout while its
//! calendar is closed is the engine's, when a schedule is looked at the server's.

mod changes;
mod cron;
mod days;
mod freeze;
mod minute;
mod schedule;
mod window;
mod zones;

use jiff::Timestamp;
pub use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

use self::changes::Placed;
pub use self::cron::CronError;
pub use self::days::{Days, NotADay};
pub use self::freeze::{Freeze, FreezeError};
pub use self::minute::{Minute, NotATimeOfDay};
pub use self::schedule::{Schedule, ScheduleError};
pub use self::window::{Window, WindowError};
pub use self::zones::{UnknownTimezone, is_timezone};

/// When devices of a rollout may be released. No windows: at any time.
///
/// It is open while one of its windows is. Each [`Window`] says what that means where clocks change.
/// It opens and closes at whole seconds, and is open at the moment it opens, closed at the moment it
/// closes.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calendar {
    /// The times at which devices may be released.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// Whose clock the windows are read on.
    #[serde(default)]
    pub window_timezone: WindowTimezone,
}

/// Whose clock windows are read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowTimezone {
    /// That of the zone each window names.
    #[default]
    Environment,
    /// That of each device's own zone; that of the window for a device whose zone is not known.
    Device,
}

impl Calendar {
    /// Whether devices may be released at this moment. `zone` is the IANA name of the device's own zone;
    /// it counts only with [`WindowTimezone::Device`], and one that does not exist like an absent one.
    #[must_use]
    pub fn is_open(&self, at: Timestamp, zone: Option<&str>) -> bool {
        self.windows.is_empty() || self.placed(zone).any(|window| window.is_open(at))
    }

    /// The next moment at which it is open: `at` itself when open; None when it will never open.
    #[must_use]
    pub fn opens_at(&self, at: Timestamp, zone: Option<&str>) -> Option<Timestamp> {
        if self.is_open(at, zone) {
            Some(at)
        } else {
            self.changes_after(at, zone)
        }
    }

    /// The next moment at which it is closed: `at` itself when closed; None when it will never close.
    #[must_use]
    pub fn closes_at(&self, at: Timestamp, zone: Option<&str>) -> Option<Timestamp> {
        if self.is_open(at, zone) {
            self.changes_after(at, zone)
        } else {
            Some(at)
        }
    }

    /// The next moment after `at` at which it opens or closes; None when it will never do so again.
    #[must_use]
    pub fn changes_after(&self, at: Timestamp, zone: Option<&str>) -> Option<Timestamp> {
        let windows: Vec<Placed<'_>> = self.placed(zone).collect();
        changes::next(&windows, at)
    }

    /// The windows on the clocks they are read on.
    fn placed(&self, zone: Option<&str>) -> impl Iterator<Item = Placed<'_>> {
        let device = match self.window_timezone {
            WindowTimezone::Environment => None,
            WindowTimezone::Device => zone.and_then(zones::find),
        };
        self.windows.iter().filter_map(move |window| {
            let zone = device.clone().or_else(|| zones::find(&window.timezone))?;
            Some(Placed { window, zone })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A calendar of windows written as `02:00-06:00 Europe/Berlin monday,tuesday`.
    fn calendar(windows: &[&str]) -> Calendar {
        let window = |text: &&str| {
            let words: Vec<&str> = text.split([' ', '-', ',']).collect();
            let [start, end, zone, days @ ..] = words.as_slice() else {
                panic!("{text}");
            };
            serde_json::from_value(json!({
                "start_time": start, "end_time": end, "timezone": zone, "days": days,
            }))
            .unwrap()
        };
        Calendar {
            windows: windows.iter().map(window).collect(),
            window_timezone: WindowTimezone::Environment,
        }
    }

    /// The changes from one moment until the other.
    fn changes(calendar: &Calendar, from: &str, until: &str) -> Vec<String> {
        let next = |at: &Timestamp| calendar.changes_after(*at, None);
        std::iter::successors(next(&moment(from)), next)
            .take_while(|at| *at < moment(until))
            .map(|at| at.strftime("%d %H:%M").to_string())
            .collect()
    }

    #[test]
    fn without_windows_it_is_always_open() {
        let always = Calendar::default();
        let at = moment("2026-03-29T01:00:00.5Z");
        assert!(always.is_open(at, Some("Europe/Berlin")));
        assert_eq!(always.opens_at(at, None), Some(at));
        assert_eq!(always.closes_at(at, None), None);
        assert_eq!(always.changes_after(at, None), None);
        assert_eq!(serde_json::from_str::<Calendar>("{}").unwrap(), always);
    }

    #[test]
    fn it_is_open_from_its_opening_until_before_its_end() {
        let nightly = calendar(&["02:00-06:00 UTC"]);
        let (opening, closing) = (moment("2026-01-01T02:00Z"), moment("2026-01-01T06:00Z"));
        let just = |time: Timestamp| time - jiff::SignedDuration::from_nanos(1);
        assert!(!nightly.is_open(just(opening), None) && nightly.is_open(opening, None));
        assert!(nightly.is_open(just(closing), None) && !nightly.is_open(closing, None));
        assert_eq!(nightly.opens_at(just(opening), None), Some(opening));
        assert_eq!(nightly.opens_at(just(closing), None), Some(just(closing)));
        assert_eq!(nightly.closes_at(opening, None), Some(closing));
        assert_eq!(nightly.closes_at(closing, None), Some(closing));
        let before_1970 = moment("1969-07-20T01:59:59.999Z");
        assert_eq!(
            nightly.opens_at(before_1970, None),
            Some(moment("1969-07-20T02:00Z"))
        );
    }

    #[test]
    fn times_that_clocks_skip_do_not_happen() {
        let day = |window: &str| {
            changes(
                &calendar(&[window]),
                "2026-03-28T12:00Z",
                "2026-03-29T12:00Z",
            )
        };
        assert_eq!(day("02:00-03:00 Europe/Berlin"), [""; 0]);
        assert_eq!(day("01:30-03:30 Europe/Berlin"), ["29 00:30", "29 01:30"]);
        assert_eq!(day("02:30-03:30 Europe/Berlin"), ["29 01:00", "29 01:30"]);
        assert_eq!(day("01:00-02:30 Europe/Berlin"), ["29 00:00", "29 01:00"]);
        let next = calendar(&["02:00-03:00 Europe/Berlin"]);
        let opens = next.opens_at(moment("2026-03-28T02:00Z"), None);
        assert_eq!(opens, Some(moment("2026-03-30T00:00Z")));
    }

    #[test]
    fn times_that_come_twice_are_open_twice() {
        let day = |window: &str| {
            changes(
                &calendar(&[window]),
                "2026-10-24T12:00Z",
                "2026-10-25T12:00Z",
            )
        };
        assert_eq!(day("02:00-03:00 Europe/Berlin"), ["25 00:00", "25 02:00"]);
        assert_eq!(
            day("02:15-02:45 Europe/Berlin"),
            ["25 00:15", "25 00:45", "25 01:15", "25 01:45"]
        );
        assert_eq!(
            day("02:30-04:00 Europe/Berlin"),
            ["25 00:30", "25 01:00", "25 01:30", "25 03:00"]
        );
    }

    #[test]
    fn after_midnight_it_belongs_to_the_day_before() {
        let fridays = calendar(&["22:00-02:00 UTC friday"]);
        assert_eq!(
            changes(&fridays, "2026-01-01T00:00Z", "2026-01-15T00:00Z"),
            ["02 22:00", "03 02:00", "09 22:00", "10 02:00"]
        );
        let whole_weekend = calendar(&["00:00-24:00 UTC saturday,sunday"]);
        assert_eq!(
            changes(&whole_weekend, "2026-01-01T00:00Z", "2026-01-10T00:00Z"),
            ["03 00:00", "05 00:00"]
        );
    }

    #[test]
    fn several_windows_are_one_where_they_meet() {
        let joined = calendar(&[
            "02:00-04:00 UTC",
            "03:00-05:00 UTC",
            "05:00-06:00 UTC",
            "12:00-13:00 UTC",
        ]);
        assert_eq!(
            changes(&joined, "2026-01-01T00:00Z", "2026-01-02T00:00Z"),
            ["01 02:00", "01 06:00", "01 12:00", "01 13:00"]
        );
        // Four in the morning in Kathmandu is 22:15 the evening before.
        let zones = calendar(&["22:00-22:30 UTC", "04:00-05:00 Asia/Kathmandu thursday"]);
        assert_eq!(
            changes(&zones, "2025-12-31T12:00Z", "2026-01-01T23:00Z"),
            ["31 22:00", "31 23:15", "01 22:00", "01 22:30"]
        );
    }

    #[test]
    fn a_date_that_a_zone_skips_has_no_window() {
        let on = |window: &str| {
            changes(
                &calendar(&[window]),
                "2011-12-29T00:00Z",
                "2012-01-01T00:00Z",
            )
        };
        // At 10:00 UTC of the 30th Thursday the 29th ended there, and Saturday the 31st began.
        assert_eq!(on("02:00-06:00 Pacific/Apia friday"), [""; 0]);
        assert_eq!(
            on("02:00-06:00 Pacific/Apia"),
            [
                "29 12:00", "29 16:00", "30 12:00", "30 16:00", "31 12:00", "31 16:00"
            ]
        );
        assert_eq!(
            on("22:00-02:00 Pacific/Apia thursday"),
            ["30 08:00", "30 10:00"]
        );
        assert_eq!(
            on("22:00-02:00 Pacific/Apia friday"),
            ["30 10:00", "30 12:00"]
        );
    }

    #[test]
    fn what_leaves_no_time_out_never_closes() {
        let at = moment("2026-01-01T00:00Z");
        for windows in [
            &["00:00-24:00 Europe/Berlin"][..],
            &["06:00-18:00 Europe/Berlin", "17:00-07:00 Europe/Berlin"],
            &["06:00-18:00 UTC", "18:00-06:00 Etc/UTC"],
            &["05:00-20:00 Europe/Berlin", "12:00-06:00 America/New_York"],
        ] {
            assert_eq!(calendar(windows).closes_at(at, None), None, "{windows:?}");
        }
    }

    #[test]
    fn a_hole_of_single_weeks_is_found() {
        // Six hours lie between the two, five while only New York has summer time.
        let windows = calendar(&["08:00-02:00 Europe/Berlin", "20:00-02:00 America/New_York"]);
        let first = windows.closes_at(moment("2026-01-01T00:00Z"), None);
        assert_eq!(first, Some(moment("2026-03-09T06:00Z")));
        let holes = changes(&windows, "2026-01-01T00:00Z", "2027-01-01T00:00Z");
        assert_eq!(holes.len(), 2 * (20 + 7));
    }

    #[test]
    fn a_window_in_no_zone_never_opens() {
        let mut windows = calendar(&["02:00-06:00 UTC"]);
        windows.windows[0].timezone = "Mars/Phobos".to_owned();
        let at = moment("2026-01-01T03:00Z");
        assert_eq!(windows.opens_at(at, None), None);
        assert_eq!(windows.closes_at(at, None), Some(at));
    }

    #[test]
    fn devices_have_their_own_clocks() {
        let text = r#"{"windows": [{"start_time": "02:00", "end_time": "06:00", "timezone": "UTC"}], "window_timezone": "device"}"#;
        let mut windows: Calendar = serde_json::from_str(text).unwrap();
        let at = moment("2026-01-01T03:00Z");
        let opens = |windows: &Calendar| {
            [Some("Asia/Tokyo"), Some("Mars/Phobos"), None].map(|zone| windows.opens_at(at, zone))
        };
        assert_eq!(
            opens(&windows),
            [Some(moment("2026-01-01T17:00Z")), Some(at), Some(at)]
        );
        windows.window_timezone = WindowTimezone::Environment;
        assert_eq!(opens(&windows), [Some(at); 3]);
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let windows = calendar(&[
            "02:00-06:00 Europe/Berlin",
            "22:00-23:00 Pacific/Apia monday",
        ]);
        for at in [Timestamp::MIN, Timestamp::MAX] {
            let open = windows.is_open(at, None);
            assert_eq!(windows.opens_at(at, None) == Some(at), open);
            assert!(
                windows
                    .changes_after(at, None)
                    .is_none_or(|change| change > at)
            );
        }
    }
}
