//! The sequential gate against numbers worked out independently, and its promises and those of other
//! rules computed exactly, by following every course that a rollout can take.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeMap;

use fleetward_core::judge::{Belief, Boundary, Counts, Mixture, Verdict, wilson_lower};
use fleetward_core::percent::Percent;
use proptest::prelude::*;

fn boundary(limit: u32) -> Boundary {
    Boundary::new(Percent::whole(limit)).unwrap()
}

fn counts(failures: u64, devices: u64) -> Counts {
    Counts { failures, devices }
}

#[track_caller]
fn close(found: f64, wanted: f64) {
    within(found, wanted, 1e-6);
}

#[track_caller]
fn within(found: f64, wanted: f64, room: f64) {
    assert!((found - wanted).abs() <= room, "{found} is not {wanted}");
}

/// Where a rollout ends when each device fails with the same chance.
#[derive(Default)]
struct Ends {
    fails: f64,
    passes: f64,
    /// Devices at a fail, and at any end, each weighed by its chance.
    devices_at_fail: f64,
    devices: f64,
}

/// Follows every course of up to `most` devices, looking after each of them.
fn ends(chance: f64, most: u64, verdict: impl Fn(u64, u64) -> Option<Verdict>) -> Ends {
    let mut ends = Ends::default();
    let mut open = BTreeMap::from([(0, 1.0)]);
    for n in 1..=most {
        let mut next = BTreeMap::new();
        for (k, weight) in open {
            *next.entry(k + 1).or_insert(0.0) += weight * chance;
            *next.entry(k).or_insert(0.0) += weight * (1.0 - chance);
        }
        next.retain(|k, weight| {
            match verdict(*k, n) {
                None => return true,
                Some(Verdict::Pass) => ends.passes += *weight,
                Some(Verdict::Fail) => {
                    ends.fails += *weight;
                    ends.devices_at_fail += *weight * n as f64;
                }
                Some(Verdict::Inconclusive) => unreachable!("no such verdict before the end"),
            }
            ends.devices += *weight * n as f64;
            false
        });
        open = next;
    }
    ends
}

/// Asserts how often a rule rolls back within 200 devices, in percent to one decimal, and after how many
/// devices in the mean.
#[track_caller]
fn rolls_back(rule: impl Fn(u64, u64) -> bool, chance: f64, percent: f64, devices: Option<f64>) {
    let ends = ends(chance, 200, |k, n| rule(k, n).then_some(Verdict::Fail));
    within(100.0 * ends.fails, percent, 0.0501);
    if let Some(devices) = devices {
        within(ends.devices_at_fail / ends.fails, devices, 0.501);
    }
}

#[test]
fn scores_and_verdicts_of_the_sequential_gate() {
    let boundary = boundary(5);
    for (k, n, score, verdict) in [
        (0, 10, -0.800_427, None),
        (0, 37, -2.961_580, None),
        (0, 38, -3.041_623, Some(Verdict::Pass)),
        (1, 10, 0.665_910, None),
        (2, 2, 2.772_589, None),
        (3, 3, 4.158_883, Some(Verdict::Fail)),
        (3, 17, 3.038_285, Some(Verdict::Fail)),
        (3, 18, 2.958_242, None),
        (4, 20, 4.264_494, Some(Verdict::Fail)),
        (4, 35, 3.063_854, Some(Verdict::Fail)),
        (1, 56, -3.016_055, Some(Verdict::Pass)),
        (5, 50, 3.329_550, Some(Verdict::Fail)),
        (6, 70, 3.195_033, Some(Verdict::Fail)),
    ] {
        close(boundary.score(k, n).as_f64(), score);
        assert_eq!(boundary.verdict(k, n), verdict, "{k} of {n}");
    }
}

#[test]
fn tables_of_the_sequential_gate() {
    let through: [(u32, &[u64]); 4] = [
        (1, &[79, 171, 264, 356]),
        (2, &[40, 86, 132, 178]),
        (5, &[17, 35, 54, 72, 90, 109]),
        (10, &[9, 18, 27, 36, 46, 55]),
    ];
    let from: [&[u64]; 4] = [
        &[198, 290, 382],
        &[98, 144, 190],
        &[38, 56, 75, 93, 111],
        &[18, 27, 36, 45],
    ];
    for ((limit, through), from) in through.into_iter().zip(from) {
        let table = boundary(limit).table(through[through.len() - 1]);
        assert!(table.complete);
        let rows = &table.rows;
        assert!(rows[..3].iter().all(|row| row.rolls_back_through.is_none()));
        let found: Vec<_> = rows[3..]
            .iter()
            .map(|row| row.rolls_back_through.unwrap())
            .collect();
        assert_eq!(found, through, "{limit} %");
        let found: Vec<_> = rows[..from.len()]
            .iter()
            .map(|row| row.passes_from)
            .collect();
        assert_eq!(found, from, "{limit} %");
    }
}

#[test]
fn errors_and_sizes_of_the_sequential_gate() {
    for (limit, false_rollback, missed, [bad, worse]) in [
        (1, 3.01, 4.80, [249.0, 87.0]),
        (2, 2.99, 4.77, [124.0, 43.0]),
        (5, 2.97, 4.65, [48.0, 17.0]),
        (10, 2.82, 4.48, [23.5, 8.0]),
    ] {
        let boundary = boundary(limit);
        let ends = |factor| {
            let chance = f64::from(limit) / 100.0 * factor;
            ends(chance, 5_000, |k, n| boundary.verdict(k, n))
        };
        let (fine, twice, four_times) = (ends(0.5), ends(2.0), ends(4.0));
        within(100.0 * fine.fails, false_rollback, 0.005_01);
        within(100.0 * twice.passes, missed, 0.005_01);
        assert!(fine.fails <= 0.05 && twice.passes <= 0.05, "{limit} %");
        within(twice.devices, bad, 0.501);
        within(four_times.devices, worse, 0.501);
        for ends in [fine, twice, four_times] {
            close(ends.fails + ends.passes, 1.0);
        }
    }
}

#[test]
fn rules_looked_at_after_each_of_200_devices() {
    let gate = boundary(5);
    let sequential = |k, n| gate.verdict(k, n) == Some(Verdict::Fail);
    rolls_back(sequential, 0.01, 0.1, None);
    rolls_back(sequential, 0.02, 1.3, None);
    rolls_back(sequential, 0.025, 3.1, None);
    rolls_back(sequential, 0.05, 37.8, Some(78.0));
    rolls_back(sequential, 0.10, 98.3, Some(49.0));
    rolls_back(sequential, 0.20, 100.0, Some(17.0));
    rolls_back(sequential, 0.50, 100.0, Some(6.0));

    let mixture = Mixture::new(Percent::whole(5)).unwrap();
    let strict = |k, n| mixture.against(k, n) >= 20.0;
    rolls_back(strict, 0.02, 0.0, None);
    rolls_back(strict, 0.05, 2.2, None);
    rolls_back(strict, 0.10, 63.7, Some(91.0));
    rolls_back(strict, 0.20, 100.0, Some(29.0));

    // What breaks its promise at the limit when it is looked at again and again.
    let interval = |k, n| wilson_lower(k, n, 0.95) > 0.05;
    rolls_back(interval, 0.01, 4.3, None);
    rolls_back(interval, 0.05, 38.7, None);
    let bayes = |k, n| Belief::FIRST_RELEASE.after(counts(k, n)).chance_above(0.05) >= 0.95;
    rolls_back(bayes, 0.02, 0.2, None);
    rolls_back(bayes, 0.05, 12.7, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_gate_keeps_its_promises_for_any_limit(hundredths in 50u32..4_900, part in 0.0..=1.0f64) {
        let percent = f64::from(hundredths) / 100.0;
        let boundary = Boundary::new(Percent::try_from(percent).unwrap()).unwrap();
        let limit = percent / 100.0;
        let fine = ends(limit / 2.0 * part, 1_500, |k, n| boundary.verdict(k, n));
        prop_assert!(fine.fails <= 0.05);
        let bad = limit * 2.0 + (1.0 - limit * 2.0) * part;
        let bad = ends(bad, 1_500, |k, n| boundary.verdict(k, n));
        prop_assert!(bad.passes <= 0.05);
    }
}
