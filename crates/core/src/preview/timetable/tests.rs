//! Timetables by example, and against rollouts played device by device.

use proptest::prelude::*;
use serde_json::json;

use super::super::tests_support::{doubling, plan};
use super::*;
use crate::plan::{Counting, Rate};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn calendar(start: &str, end: &str, window_timezone: &str) -> Calendar {
    serde_json::from_value(json!({
        "windows": [{ "start_time": start, "end_time": end, "timezone": "UTC" }],
        "window_timezone": window_timezone,
    }))
    .unwrap()
}

fn constant(per_minute: u64) -> Option<Rate> {
    Some(Rate {
        per_minute,
        growth: None,
    })
}

/// A start at noon, with no window.
fn at_noon(calendar: &Calendar) -> Circumstances<'_> {
    Circumstances {
        start: at("2026-01-01T12:00Z"),
        calendar,
        freezes: &[],
        device_takes: DEVICE_SECONDS,
        zones: &[],
    }
}

/// Opening, release, settling and passing of each wave, as day and time.
fn lines(table: &Timetable) -> Vec<String> {
    let line = |wave: &WaveTime| {
        let times = [
            wave.opens_at,
            wave.released_by,
            wave.settled_by,
            wave.passes_at,
        ];
        let held = if wave.held_by_window { " held" } else { "" };
        times
            .map(|at| at.strftime("%d %H:%M").to_string())
            .join(", ")
            + held
    };
    table.waves.iter().map(line).collect()
}

#[test]
fn waves_follow_each_other_after_their_soak() {
    let mut plan = plan("canary");
    plan.monitor_seconds = Seconds(3_600);
    let table = timetable(&plan, &[100, 900], &at_noon(&Calendar::default()));
    assert_eq!(
        lines(&table),
        [
            "01 12:00, 01 12:00, 01 12:10, 01 13:10",
            "01 13:10, 01 13:10, 01 13:20, 01 14:20"
        ]
    );
    assert_eq!(table.ends_at, Some(at("2026-01-01T14:20Z")));
    assert_eq!(table.takes(), Some(8_400));
}

#[test]
fn devices_wait_for_room_and_for_their_turn() {
    let mut plan = plan("immediate");
    plan.pace.max_in_flight = Some(10);
    let calendar = Calendar::default();
    let table = timetable(&plan, &[25], &at_noon(&calendar));
    assert_eq!(lines(&table), ["01 12:00, 01 12:20, 01 12:30, 01 12:30"]);
    plan.pace.max_in_flight = None;
    plan.pace.rate = constant(10);
    let table = timetable(&plan, &[25], &at_noon(&calendar));
    assert_eq!(lines(&table), ["01 12:00, 01 12:02, 01 12:12, 01 12:12"]);
    plan.pace.rate = Some(doubling(10, 10, Counting::Succeeded));
    let table = timetable(&plan, &[120], &at_noon(&calendar));
    assert_eq!(lines(&table), ["01 12:00, 01 12:10, 01 12:20, 01 12:20"]);
}

#[test]
fn a_closed_window_holds_the_rest_of_a_wave() {
    let mut plan = plan("rolling");
    plan.pace.rate = constant(1);
    let nights = calendar("02:00", "03:00", "environment");
    let table = timetable(&plan, &[90, 1], &at_noon(&nights));
    assert_eq!(
        lines(&table),
        [
            "02 02:00, 03 02:29, 03 02:39, 03 02:39 held",
            "03 02:39, 03 02:39, 03 02:49, 03 02:49"
        ]
    );
    plan.emergency = true;
    let table = timetable(&plan, &[90], &at_noon(&nights));
    assert_eq!(lines(&table), ["01 12:00, 01 13:29, 01 13:39, 01 13:39"]);
}

#[test]
fn a_freeze_holds_even_an_emergency() {
    let mut plan = plan("immediate");
    plan.emergency = true;
    let until = Some(at("2026-01-05T00:00:00.5Z"));
    let holidays = |until| Freeze::new(at("2025-12-24T00:00Z"), until, "holidays").unwrap();
    let always = Calendar::default();
    let table = |freeze| {
        let freezes = [freeze];
        let circumstances = Circumstances {
            freezes: &freezes,
            ..at_noon(&always)
        };
        timetable(&plan, &[5], &circumstances)
    };
    let ended = table(holidays(until));
    assert_eq!(ended.waves[0].opens_at, at("2026-01-05T00:00:01Z"));
    assert!(ended.waves[0].held_by_window);
    let endless = table(holidays(None));
    assert_eq!((endless.waves.len(), endless.ends_at), (0, None));
}

#[test]
fn each_zone_has_its_night() {
    let plan = plan("immediate");
    let nights = calendar("02:00", "03:00", "device");
    let zones = [
        (Some("Asia/Tokyo".to_owned()), 30),
        (Some("America/New_York".to_owned()), 60),
        (None, 10),
    ];
    let circumstances = Circumstances {
        zones: &zones,
        ..at_noon(&nights)
    };
    let table = timetable(&plan, &[100], &circumstances);
    assert_eq!(
        lines(&table),
        ["01 17:00, 02 07:00, 02 07:10, 02 07:10 held"]
    );
}

#[test]
fn filled_slots_switch_when_a_window_is_open() {
    let plan = plan("blue_green");
    let short = calendar("12:00", "12:05", "environment");
    let table = timetable(&plan, &[100], &at_noon(&short));
    assert_eq!(
        lines(&table),
        ["01 12:00, 01 12:00, 02 12:10, 02 12:10 held"]
    );
}

#[test]
fn a_million_devices_in_single_file_take_two_years() {
    let mut plan = plan("immediate");
    plan.pace.rate = constant(1);
    let table = timetable(&plan, &[1_000_000], &at_noon(&Calendar::default()));
    assert_eq!(table.takes(), Some(999_999 * 60 + 600));
    let moments = calendar("02:00", "02:01", "environment");
    let table = timetable(&plan, &[1_000_000], &at_noon(&moments));
    assert_eq!((table.waves.len(), table.ends_at), (0, None));
}

/// The seconds in which devices are offered the update, one by one.
fn one_by_one(plan: &Plan, size: u64, takes: i64) -> Vec<i64> {
    let mut offers: Vec<i64> = Vec::new();
    let mut now = 0;
    while (offers.len() as u64) < size {
        let under_way = offers.iter().filter(|at| **at + takes > now).count() as u64;
        let through = offers.len() as u64 - under_way;
        let in_minute = offers.iter().filter(|at| **at + 60 > now).count() as u64;
        let slots = plan.pace.max_in_flight.is_none_or(|most| under_way < most);
        let rate = plan.pace.rate.as_ref();
        let turn = rate.is_none_or(|rate| in_minute < rate.at(offers.len() as u64, through));
        if slots && turn {
            offers.push(now);
        } else {
            now += 1;
        }
    }
    offers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn it_is_what_happens_device_by_device(
        size in 1u64..60, flight in prop::option::of(1u64..20), rate in prop::option::of(1u64..10),
        growth in prop::option::of((1u64..30, any::<bool>())), takes in 1u32..300,
    ) {
        let mut plan = plan("immediate");
        plan.pace.max_in_flight = flight;
        plan.pace.rate = rate.map(|per_minute| match growth {
            Some((every, true)) => doubling(per_minute, every, Counting::Succeeded),
            Some((every, false)) => doubling(per_minute, every, Counting::Notified),
            None => Rate { per_minute, growth: None },
        });
        // A rate that grows with successes may let devices go before its next minute is over; the
        // timetable looks at it when an offer of the last minute ceases to count.
        let exact = growth.is_none_or(|(_, succeeded)| !succeeded);
        let calendar = Calendar::default();
        let circumstances = Circumstances { device_takes: Seconds(takes), ..at_noon(&calendar) };
        let table = timetable(&plan, &[size], &circumstances);
        let offers = one_by_one(&plan, size, takes.into());
        let released = table.waves[0].released_by.duration_since(circumstances.start).as_secs();
        let last = offers.last().copied().unwrap_or_default();
        if exact {
            prop_assert_eq!(released, last);
        } else {
            prop_assert!(released >= last && released <= last + 60 * (size as i64));
        }
    }

    #[test]
    fn times_stand_in_order(sizes in prop::collection::vec(1u64..5_000, 0..6), open in 0u32..23, rate in 1u64..500) {
        let mut plan = plan("rolling");
        plan.pace.rate = constant(rate);
        plan.pace.max_in_flight = Some(rate * 7);
        let window = calendar(&format!("{open:02}:00"), &format!("{:02}:00", open + 1), "environment");
        let circumstances = at_noon(&window);
        let table = timetable(&plan, &sizes, &circumstances);
        prop_assert_eq!(table.waves.len(), sizes.len());
        let mut last = circumstances.start;
        for wave in &table.waves {
            for time in [wave.opens_at, wave.released_by, wave.settled_by, wave.passes_at] {
                prop_assert!(time >= last);
                last = time;
            }
            prop_assert!(window.is_open(wave.opens_at, None) && window.is_open(wave.released_by, None));
        }
        prop_assert_eq!(table.ends_at, Some(last));
    }
}
