//! Calendars and schedules against brute force: every hour of many years, in zones of all kinds.
//!
//! What is expected is worked out here from civil dates alone, moment by moment, without any search.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;

use fleetward_core::calendar::{Calendar, Days, Minute, Schedule, Weekday, Window, WindowTimezone};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// Zones with whole, half and quarter hours, with and without summer time, on both sides of the equator
/// and of the date line, and with rules of their own.
const ZONES: [&str; 14] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Nuuk",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
];

/// Calendars whose windows touch midnight, each other, and the hours at which clocks change.
const CALENDARS: [&[(&str, &str, &str)]; 4] = [
    &[("02:00", "03:00", "")],
    &[("22:30", "02:30", "saturday sunday")],
    &[
        ("00:00", "24:00", "sunday"),
        ("01:15", "01:45", ""),
        ("23:00", "00:00", "friday"),
    ],
    &[("03:00", "02:00", ""), ("02:00", "02:30", "monday")],
];

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn calendar(windows: &[(&str, &str, &str)], zone: &str) -> Calendar {
    let window = |&(start, end, days): &(&str, &str, &str)| {
        let names: Vec<&str> = days.split_whitespace().collect();
        let days = serde_json::from_value(serde_json::json!(names)).unwrap();
        Window::new(start.parse().unwrap(), end.parse().unwrap(), days, zone).unwrap()
    };
    Calendar {
        windows: windows.iter().map(window).collect(),
        window_timezone: WindowTimezone::Environment,
    }
}

/// A window by what a clock and a sheet calendar on the wall show.
struct OnTheWall {
    start: (i8, i8),
    end: (i8, i8),
    days: Days,
}

impl OnTheWall {
    fn of(window: &Window) -> Self {
        let hour_and_minute = |minute: Minute| {
            let text = minute.to_string();
            (text[..2].parse().unwrap(), text[3..].parse().unwrap())
        };
        Self {
            start: hour_and_minute(window.start_time),
            end: hour_and_minute(window.end_time),
            days: window.days,
        }
    }

    fn is_open(&self, local: DateTime) -> bool {
        let now = (local.hour(), local.minute());
        let today = || self.days.allow(local.date().weekday());
        let yesterday = || self.days.allow(local.date().yesterday().unwrap().weekday());
        if self.start < self.end {
            self.start <= now && now < self.end && today()
        } else {
            self.start <= now && today() || now < self.end && yesterday()
        }
    }
}

/// A calendar with what is expected of it, and where on the way from change to change it is.
struct Walk {
    calendar: Calendar,
    expected: Vec<OnTheWall>,
    zone: TimeZone,
    open: bool,
    next: Option<Timestamp>,
}

impl Walk {
    fn new(calendar: Calendar, zone: &TimeZone, start: Timestamp) -> Self {
        Self {
            expected: calendar.windows.iter().map(OnTheWall::of).collect(),
            zone: zone.clone(),
            open: calendar.is_open(start, None),
            next: calendar.changes_after(start, None),
            calendar,
        }
    }

    fn expected(&self, local: DateTime) -> bool {
        self.expected.iter().any(|window| window.is_open(local))
    }

    /// Goes on to this moment: every change on the way is one, and between them there is none.
    fn to(&mut self, at: Timestamp, local: DateTime) {
        let windows = &self.calendar.windows;
        while let Some(change) = self.next.filter(|&change| change <= at) {
            self.open = !self.open;
            let around = [change - SECOND, change];
            let around = around.map(|at| self.expected(self.zone.to_datetime(at)));
            assert_eq!(around, [!self.open, self.open], "{windows:?} at {change}");
            self.next = self.calendar.changes_after(change, None);
            assert!(self.next > Some(change), "{windows:?} after {change}");
        }
        assert_eq!(self.expected(local), self.open, "{windows:?} at {at}");
        let found = self.calendar.is_open(at, None);
        assert_eq!(found, self.open, "{windows:?} at {at}");
    }
}

/// Looks at all calendars at every `step` of the time, and at the changes between the steps.
fn scan(name: &str, from: &str, until: &str, step: SignedDuration) {
    let (mut at, until) = (moment(from), moment(until));
    let zone = zone(name);
    let mut walks = CALENDARS.map(|windows| Walk::new(calendar(windows, name), &zone, at));
    while at < until {
        let local = zone.to_datetime(at);
        for walk in &mut walks {
            walk.to(at, local);
        }
        at += step;
    }
}

/// Ten years and the change of clocks after them.
fn scan_ten_years(zones: &[&str]) {
    for zone in zones {
        scan(zone, "2015-09-01T00:00Z", "2025-11-15T00:00Z", HOUR);
    }
}

#[test]
fn every_hour_of_ten_years() {
    scan_ten_years(&ZONES[..ZONES.len() / 2]);
}

#[test]
fn every_hour_of_ten_years_in_more_zones() {
    scan_ten_years(&ZONES[ZONES.len() / 2..]);
}

#[test]
fn every_quarter_of_an_hour_around_rare_changes_of_clocks() {
    for (zone, from, until) in [
        ("Pacific/Apia", "2011-09-01T00:00Z", "2012-05-01T00:00Z"),
        ("Asia/Pyongyang", "2015-08-01T00:00Z", "2015-09-01T00:00Z"),
        ("Asia/Pyongyang", "2018-04-15T00:00Z", "2018-06-01T00:00Z"),
        ("America/Caracas", "2016-04-15T00:00Z", "2016-06-01T00:00Z"),
        ("Antarctica/Casey", "2023-01-01T00:00Z", "2023-12-01T00:00Z"),
        (
            "Africa/Casablanca",
            "2034-09-01T00:00Z",
            "2035-01-01T00:00Z",
        ),
        (
            "Australia/Lord_Howe",
            "2034-03-01T00:00Z",
            "2034-12-01T00:00Z",
        ),
    ] {
        scan(zone, from, until, QUARTER);
    }
}

/// Whether one of the windows is open, each on its own clock or all on that of the device.
fn expected(calendar: &Calendar, device: Option<&str>, at: Timestamp) -> bool {
    let device = device.filter(|_| calendar.window_timezone == WindowTimezone::Device);
    calendar.windows.iter().any(|window| {
        let zone = zone(device.unwrap_or(&window.timezone));
        OnTheWall::of(window).is_open(zone.to_datetime(at))
    })
}

/// A window in quarters of hours, in any of the zones.
fn any_window() -> impl Strategy<Value = Window> {
    let days = proptest::collection::vec(0i8..7, 0..4);
    (0u16..96, 0u16..=96, days, 0..ZONES.len()).prop_filter_map(
        "a window has a length",
        |(start, end, days, zone)| {
            let minute = |quarters: u16| Minute::after_midnight(quarters * 15).unwrap();
            let weekday = |nth| Weekday::from_monday_zero_offset(nth).unwrap();
            let days: Days = days.into_iter().map(weekday).collect();
            Window::new(minute(start), minute(end), days, ZONES[zone]).ok()
        },
    )
}

fn any_calendar() -> impl Strategy<Value = (Calendar, Option<&'static str>)> {
    let windows = proptest::collection::vec(any_window(), 1..4);
    let device = prop_oneof![
        Just(None),
        (0..ZONES.len()).prop_map(|nth| Some(ZONES[nth]))
    ];
    (windows, any::<bool>(), device).prop_map(|(windows, of_device, device)| {
        let window_timezone = if of_device {
            WindowTimezone::Device
        } else {
            WindowTimezone::Environment
        };
        let calendar = Calendar {
            windows,
            window_timezone,
        };
        (calendar, device)
    })
}

/// A moment from 2015 to 2035, more often in the days in which clocks change.
fn any_moment() -> impl Strategy<Value = Timestamp> {
    let year = (
        2015i16..2035,
        0i64..366 * 86_400_000,
        0usize..ZONES.len(),
        any::<bool>(),
    );
    year.prop_map(|(year, millisecond, nth, near)| {
        let start = jiff::civil::date(year, 1, 1)
            .to_zoned(TimeZone::UTC)
            .unwrap()
            .timestamp();
        let any = start + SignedDuration::from_millis(millisecond);
        let zone = zone(ZONES[nth]);
        let clock_change = zone.following(any).next().filter(|_| near);
        clock_change.map_or(any, |change| {
            let before = SignedDuration::from_millis(millisecond % (2 * 86_400_000));
            change.timestamp() - before
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Zones and windows of these calendars are in quarters of hours, so changes are too.
    #[test]
    fn the_next_change_is_the_one_that_scanning_finds(
        (calendar, device) in any_calendar(),
        at in any_moment(),
    ) {
        let open = expected(&calendar, device, at);
        prop_assert_eq!(calendar.is_open(at, device), open);

        let quarter = at.as_second() - at.as_second() % 900;
        let first = Timestamp::from_second(quarter).unwrap() + QUARTER;
        let quarters: Vec<Timestamp> =
            std::iter::successors(Some(first), |it| Some(*it + QUARTER)).take(9 * 96).collect();
        let found = quarters.iter().copied().find(|it| expected(&calendar, device, *it) != open);
        let change = calendar.changes_after(at, device);
        match found {
            Some(_) => prop_assert_eq!(change, found),
            None => prop_assert!(change.is_none_or(|it| Some(&it) > quarters.last())),
        }
        let (opens, closes) = (calendar.opens_at(at, device), calendar.closes_at(at, device));
        prop_assert_eq!((opens, closes), if open { (Some(at), change) } else { (change, Some(at)) });
        prop_assert!(opens.is_some(), "every window opens once a week or two");
    }
}

/// A moment, what a clock shows then, whether it has shown it before, and what it skipped on the way there.
struct Quarter {
    at: Timestamp,
    local: DateTime,
    again: bool,
    skipped: Vec<DateTime>,
}

/// A clock, looked at every quarter of an hour.
fn quarters(zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Quarter> {
    let (mut at, mut quarters) = (from, Vec::new());
    let mut seen = BTreeSet::new();
    let mut before = zone.to_datetime(at - QUARTER);
    while at < until {
        let local = zone.to_datetime(at);
        let mut skipped = Vec::new();
        while before + QUARTER < local {
            before += QUARTER;
            skipped.push(before);
        }
        quarters.push(Quarter {
            at,
            local,
            again: !seen.insert(local),
            skipped,
        });
        before = local;
        at += QUARTER;
    }
    quarters
}

#[test]
fn schedules_are_due_when_looking_at_every_quarter_of_an_hour_says_so() {
    type Named = fn(DateTime) -> bool;
    let schedules: [(&str, bool, Named); 5] = [
        ("30 2 * * *", false, |it| {
            (it.hour(), it.minute()) == (2, 30)
        }),
        ("0,45 0-3 * * SUN", false, |it| {
            it.hour() <= 3 && matches!(it.minute(), 0 | 45) && it.weekday() == Weekday::Sunday
        }),
        ("15 23 1,30,31 * *", false, |it| {
            (it.hour(), it.minute()) == (23, 15) && matches!(it.day(), 1 | 30 | 31)
        }),
        ("*/30 */2 * * SUN", true, |it| {
            it.hour() % 2 == 0 && it.minute() % 30 == 0 && it.weekday() == Weekday::Sunday
        }),
        ("30 * 24-30 3-4,10 *", true, |it| {
            it.minute() == 30 && (24..=30).contains(&it.day()) && matches!(it.month(), 3 | 4 | 10)
        }),
    ];
    for name in ZONES {
        let (from, until) = match name {
            "Pacific/Apia" => (moment("2011-09-01T00:00Z"), moment("2012-05-01T00:00Z")),
            _ => (moment("2023-03-01T00:00Z"), moment("2023-12-01T00:00Z")),
        };
        let quarters = quarters(&zone(name), from, until);
        for (cron, all_hours, named) in schedules {
            let schedule = Schedule::cron(cron, name).unwrap();
            let next = |at: Timestamp| schedule.next_after(at).filter(|next| *next < until);
            let found: Vec<Timestamp> =
                std::iter::successors(next(from - SECOND), |at| next(*at)).collect();
            let is_due = |it: &&Quarter| {
                let skipped = it.skipped.iter().any(|local| named(*local));
                named(it.local) && (all_hours || !it.again) || skipped && !all_hours
            };
            let expected: Vec<Timestamp> = quarters.iter().filter(is_due).map(|it| it.at).collect();
            let pairs = found.iter().zip(&expected);
            let differs = pairs.clone().find(|(found, expected)| found != expected);
            assert_eq!(differs, None, "{cron} in {name}");
            assert_eq!(found.len(), expected.len(), "{cron} in {name}");
        }
    }
}
