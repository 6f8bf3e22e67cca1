//! The statistics beside the sequential gate, against numbers worked out independently.

use fleetward_core::judge::{
    Belief, Change, Concern, Counts, Degradation, FixedSample, Interval, Issues, Mixture, Shift,
    Worse, chance_to_show, chance_worse, clean_devices_to_show, devices_to_tell, fisher,
    issues_by_accident, outer_rank, wilson_lower,
};
use fleetward_core::percent::Percent;

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

#[test]
fn evidence_against_a_limit() {
    let mixture = Mixture::new(Percent::whole(5)).unwrap();
    for (k, n, wanted) in [
        (1, 1, 2.900_000),
        (2, 2, 11.363_636),
        (3, 3, 57.568_182),
        (3, 5, 31.482_018),
        (3, 10, 10.411_765),
        (4, 10, 53.352_941),
        (5, 20, 34.512_063),
        (8, 50, 27.800_292),
        (13, 100, 45.137_829),
        (21, 200, 42.262_361),
    ] {
        close(mixture.against(k, n), wanted);
    }
}

#[test]
fn smallest_failures_that_reject() {
    let tables: [(u32, &[(u64, u64)]); 4] = [
        (
            1,
            &[
                (2, 2),
                (10, 2),
                (20, 3),
                (50, 4),
                (100, 5),
                (200, 8),
                (500, 14),
            ],
        ),
        (
            2,
            &[
                (2, 2),
                (10, 3),
                (20, 4),
                (50, 5),
                (100, 8),
                (200, 12),
                (500, 22),
            ],
        ),
        (
            5,
            &[
                (3, 3),
                (5, 3),
                (10, 4),
                (20, 5),
                (50, 8),
                (100, 13),
                (200, 21),
                (500, 41),
            ],
        ),
        (
            10,
            &[
                (5, 4),
                (10, 5),
                (20, 7),
                (50, 12),
                (100, 20),
                (200, 34),
                (500, 71),
            ],
        ),
    ];
    for (limit, table) in tables {
        let mixture = Mixture::new(Percent::whole(limit)).unwrap();
        for (n, k) in table {
            assert_eq!(
                mixture.smallest_failures_that_reject(*n),
                Some(*k),
                "{limit} %, {n}"
            );
            assert!(
                mixture.rejects_through(*k, 10_000) >= Some(*n),
                "{limit} %, {n}"
            );
            assert!(
                mixture.rejects_through(*k - 1, 10_000) < Some(*n),
                "{limit} %, {n}"
            );
        }
    }
}

#[test]
fn evidence_in_favour_of_a_limit() {
    for (limit, clean, with_one) in [(2, 221, 338), (5, 85, 132), (10, 40, 64)] {
        let mixture = Mixture::new(Percent::whole(limit)).unwrap();
        assert_eq!(
            (mixture.passes_from(0), mixture.passes_from(1)),
            (clean, with_one)
        );
        assert!(mixture.in_favour(0, clean) >= 20.0 && mixture.in_favour(0, clean - 1) < 20.0);
    }
}

#[test]
fn intervals_of_a_failure_rate() {
    for (k, n, low, high) in [
        (0, 5, 0.0, 0.434_482),
        (1, 5, 0.036_224, 0.624_465),
        (0, 10, 0.0, 0.277_533),
        (1, 10, 0.017_876, 0.404_150),
        (1, 20, 0.008_881, 0.236_131),
        (3, 20, 0.052_369, 0.360_419),
        (0, 50, 0.0, 0.071_348),
        (5, 50, 0.043_476, 0.213_602),
        (0, 100, 0.0, 0.036_993),
        (2, 100, 0.005_502, 0.070_012),
        (10, 100, 0.055_229, 0.174_366),
        (10, 1000, 0.005_441, 0.018_309),
        (3, 3, 0.438_503, 1.0),
    ] {
        let interval = Interval::wilson(k, n, 0.95);
        close(interval.low, low);
        close(interval.high, high);
    }
    for (k, n, low) in [
        (2, 10, 0.068_558),
        (3, 20, 0.061_582),
        (5, 50, 0.049_529),
        (6, 50, 0.063_340),
        (9, 100, 0.053_113),
        (62, 1000, 0.050_599),
    ] {
        close(wilson_lower(k, n, 0.95), low);
    }
    for (k, n, low, high) in [
        (0, 10, 0.0, 0.308_497),
        (1, 10, 0.002_529, 0.445_016),
        (3, 20, 0.032_071, 0.378_927),
        (10, 100, 0.049_005, 0.176_223),
    ] {
        let interval = Interval::clopper_pearson(k, n, 0.95);
        close(interval.low, low);
        close(interval.high, high);
    }
}

#[test]
fn beliefs_about_a_failure_rate() {
    let first = Belief::FIRST_RELEASE;
    let jeffreys = Belief::JEFFREYS;
    for (prior, k, n, wanted) in [
        (first, 1, 5, 0.660_817),
        (first, 2, 10, 0.824_884),
        (first, 3, 20, 0.870_862),
        (first, 6, 50, 0.943_346),
        (first, 10, 100, 0.963_489),
        (first, 0, 59, 0.018_300),
        (jeffreys, 1, 10, 0.801_358),
        (jeffreys, 3, 20, 0.964_115),
        (jeffreys, 0, 20, 0.149_471),
        (jeffreys, 5, 100, 0.528_088),
        (jeffreys, 10, 100, 0.981_812),
    ] {
        close(prior.after(counts(k, n)).chance_above(0.05), wanted);
    }
}

#[test]
fn a_canary_against_the_rest() {
    for (canary, rest, wanted) in [
        (counts(1, 10), counts(10, 1000), 0.993_315),
        (counts(3, 20), counts(20, 1000), 0.998_925),
        (counts(5, 100), counts(10, 1000), 0.998_082),
        (counts(8, 100), counts(2, 100), 0.970_854),
    ] {
        close(chance_worse(canary, rest), wanted);
    }
    for (canary, rest, wanted) in [
        (counts(1, 10), counts(10, 1000), 0.104_168),
        (counts(3, 20), counts(20, 1000), 0.008_897),
        (counts(5, 100), counts(10, 1000), 0.008_071),
        (counts(8, 100), counts(2, 100), 0.050_273),
        (counts(2, 10), counts(0, 10), 0.236_842),
    ] {
        close(fisher(canary, rest), wanted);
    }
}

#[test]
fn issues_that_people_reported() {
    for (here, hours_here, there, hours_there, wanted) in [
        (3, 100.0, 10, 1000.0, 0.107_834),
        (5, 100.0, 10, 1000.0, 0.008_558),
        (2, 50.0, 20, 2000.0, 0.099_660),
        (6, 240.0, 12, 2400.0, 0.004_000),
    ] {
        let issues = |reporters, device_hours| Issues {
            reporters,
            device_hours,
        };
        let found = issues_by_accident(issues(here, hours_here), issues(there, hours_there));
        close(found.unwrap(), wanted);
    }
}

#[test]
fn ranks_that_bound_a_shift() {
    for (m, n, ranks) in [
        (4, 4, [Some(1), Some(2), None]),
        (5, 5, [Some(3), Some(5), Some(2)]),
        (5, 10, [Some(9), Some(12), Some(7)]),
        (8, 10, [Some(18), Some(21), Some(14)]),
        (10, 10, [Some(24), Some(28), Some(20)]),
    ] {
        let found = [0.025, 0.05, 0.01].map(|tail| outer_rank(m, n, tail));
        assert_eq!(found, ranks, "{m} against {n}");
    }
    // Beyond 2,000 pairs the normal approximation: 1250 - 1.959964 * sqrt(2500 * 101 / 12).
    assert_eq!(outer_rank(50, 50, 0.025), Some(965));
}

#[test]
fn a_shift_of_measurements() {
    let baseline = [
        100.0, 102.0, 98.0, 101.0, 99.0, 103.0, 97.0, 100.5, 101.5, 98.5,
    ];
    let canary = [104.0, 99.0, 101.0, 106.0, 98.2, 103.5, 100.2, 102.2];
    let shift = Shift::of(&canary, &baseline, 0.95).unwrap();
    close(shift.superiority, 56.0 / 80.0);
    close(shift.by_accident, 0.086_407);
    close(shift.estimate, 1.7);
    close(shift.low.unwrap(), -0.8);
    close(shift.high.unwrap(), 4.2);

    let canary = [118.0, 121.0, 115.0, 124.0, 117.0, 119.5, 122.0, 116.0];
    let shift = Shift::of(&canary, &baseline, 0.95).unwrap();
    close(shift.superiority, 1.0);
    within(shift.by_accident, 2.3e-5, 1e-6);
    close(shift.estimate, 19.0);
    close(shift.low.unwrap(), 16.0);
    close(shift.high.unwrap(), 22.0);
}

#[test]
fn few_measurements_prove_little() {
    for (m, n, wanted) in [
        (3, 3, 0.05),
        (4, 4, 0.014_286),
        (5, 5, 0.003_968),
        (5, 20, 1.9e-5),
    ] {
        let high: Vec<_> = (100..100 + m).map(f64::from).collect();
        let low: Vec<_> = (0..n).map(f64::from).collect();
        close(Shift::of(&high, &low, 0.95).unwrap().by_accident, wanted);
    }
}

#[test]
fn a_degradation_of_devices_against_their_own_past() {
    let changes = |before: &[f64], after: &[f64]| -> Vec<_> {
        let pairs = before.iter().zip(after);
        pairs
            .map(|(before, after)| Change {
                before: *before,
                after: *after,
            })
            .collect()
    };
    let canary = changes(
        &[40.0, 42.0, 38.0, 55.0, 47.0, 60.0, 33.0, 51.0],
        &[46.0, 47.0, 44.0, 63.0, 52.0, 70.0, 38.0, 57.0],
    );
    let control = changes(
        &[41.0, 39.0, 58.0, 49.0, 36.0, 62.0, 45.0, 53.0, 44.0, 50.0],
        &[41.5, 38.5, 59.0, 48.5, 36.4, 63.0, 44.6, 53.9, 44.1, 49.2],
    );
    let found = Degradation::of(&canary, &control, Worse::Higher).unwrap();
    close(found.estimate, 0.135_982);
    close(found.estimate.ln_1p(), 0.127_498);
    close(found.low, 0.120_752);
    close(found.high, 0.155_728);
    assert_eq!((found.canaries, found.controls), (8, 10));
    assert_eq!(found.against(Percent::whole(10)), Concern::Proven);
    assert_eq!(found.against(Percent::whole(13)), Concern::Suspected);
    assert_eq!(found.against(Percent::whole(14)), Concern::Within);
}

#[test]
fn what_a_wave_can_tell() {
    for (rate, devices, percent) in [
        (0.01, 10, 9.6),
        (0.01, 50, 39.5),
        (0.01, 100, 63.4),
        (0.01, 300, 95.1),
        (0.001, 100, 9.5),
        (0.001, 300, 25.9),
    ] {
        within(100.0 * chance_to_show(rate, devices), percent, 0.0501);
    }
    for (limit, at_95, at_99) in [
        (0.01, 299, 459),
        (0.02, 149, 228),
        (0.05, 59, 90),
        (0.10, 29, 44),
    ] {
        assert_eq!(clean_devices_to_show(limit, 0.95), Some(at_95));
        assert_eq!(clean_devices_to_show(limit, 0.99), Some(at_99));
    }
    for (fine, bad, devices, rejects_from) in [
        (0.01, 0.05, 110, 4),
        (0.02, 0.10, 54, 4),
        (0.05, 0.15, 59, 7),
        (0.05, 0.10, 191, 16),
        (0.01, 0.02, 905, 15),
    ] {
        let wanted = FixedSample {
            devices,
            rejects_from,
        };
        assert_eq!(devices_to_tell(fine, bad, 0.05, 0.80), Some(wanted));
    }
}
