//! By how much one group of measurements lies above another, without assuming their distribution.
//!
//! The rank test of H. B. Mann and D. R. Whitney ("On a Test of Whether One of Two Random Variables Is
//! Stochastically Larger than the Other", Annals of Mathematical Statistics 18, 1947) and the shift of
//! J. L. Hodges and E. L. Lehmann ("Estimates of Location Based on Rank Tests", same journal 34, 1963): the
//! median of all differences between the groups, bounded by two of those differences.
//!
//! Ties count half; no noise is ever added, so that the same measurements give the same answer.

use serde::Serialize;

use super::special::{normal_above, normal_exceeded_with};

/// Most pairs for which the exact distribution is counted out.
const MOST_EXACT_PAIRS: u64 = 2_000;

/// How far a group lies above another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The median of all differences, in the unit of the measurements.
    pub estimate: f64,
    /// The lower end of the interval; none when there are too few measurements for any.
    pub low: Option<f64>,
    /// The upper end of the interval; none when there are too few measurements for any.
    pub high: Option<f64>,
    /// The share of pairs in which the canary's measurement is the higher one; ties count half.
    pub superiority: f64,
    /// The chance of so high a share if the groups were alike (one-sided).
    pub by_accident: f64,
}

impl Shift {
    /// The shift of the canary above the baseline, with an interval of this two-sided confidence (0.90
    /// for ends that hold with 95 % each). Measurements that are not finite are left out; none when a
    /// group is empty.
    #[must_use]
    pub fn of(canary: &[f64], baseline: &[f64], confidence: f64) -> Option<Self> {
        let (canary, baseline) = (sorted(canary), sorted(baseline));
        let (m, n) = (canary.len() as u64, baseline.len() as u64);
        let pairs = m * n;
        if pairs == 0 {
            return None;
        }
        let difference = |rank| ranked_difference(&canary, &baseline, rank);
        let above = doubled_u(&canary, &baseline);
        let outer = outer_rank(m, n, (1.0 - confidence) / 2.0);
        Some(Self {
            estimate: f64::midpoint(difference(pairs.div_ceil(2)), difference(pairs / 2 + 1)),
            low: outer.map(difference),
            high: outer.map(|rank| difference(pairs + 1 - rank)),
            superiority: above as f64 / (2 * pairs) as f64,
            by_accident: if pairs <= MOST_EXACT_PAIRS {
                exactly_at_least(m, n, above.div_ceil(2))
            } else {
                about_at_least(&canary, &baseline, above)
            },
        })
    }
}

/// The rank, from either end of the sorted differences, of the end of an interval that misses the
/// shift on that side with a chance of at most `tail`; none when there is no such rank.
#[must_use]
pub fn outer_rank(canary: u64, baseline: u64, tail: f64) -> Option<u64> {
    let pairs = canary * baseline;
    let rank = if pairs <= MOST_EXACT_PAIRS {
        let ways = ways(canary, baseline);
        let all = ways.iter().sum::<i128>() as f64;
        let below = ways.iter().scan(0, |sum, ways| {
            *sum += ways;
            Some(*sum as f64 / all)
        });
        // A hair of room, so that a chance of exactly the tail counts on every machine.
        below.take_while(|share| *share <= tail + 1e-12).count() as u64
    } else {
        let deviation = (pairs as f64 * (canary + baseline + 1) as f64 / 12.0).sqrt();
        let rank = pairs as f64 / 2.0 - normal_exceeded_with(tail) * deviation;
        rank.floor() as u64
    };
    (rank > 0 && 2 * rank <= pairs).then_some(rank)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<_> = values.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Twice the number of pairs in which the canary is higher, ties counted as half a pair.
fn doubled_u(canary: &[f64], baseline: &[f64]) -> u64 {
    let (mut lower, mut not_higher) = (0, 0);
    let mut sum = 0;
    for value in canary {
        lower += count_while(&baseline[lower..], |other| other < *value);
        not_higher += count_while(&baseline[not_higher..], |other| other <= *value);
        sum += (lower + not_higher) as u64;
    }
    sum
}

fn count_while(values: &[f64], holds: impl Fn(f64) -> bool) -> usize {
    values.iter().take_while(|value| holds(**value)).count()
}

/// The difference of this rank (from 1, smallest first) among all differences of canary and baseline, found
/// by halving the range of floating-point numbers, so that the pairs need never be written down.
fn ranked_difference(canary: &[f64], baseline: &[f64], rank: u64) -> f64 {
    let mut low = place(canary[0] - baseline[baseline.len() - 1]);
    let mut high = place(canary[canary.len() - 1] - baseline[0]);
    while low < high {
        let middle = low.midpoint(high);
        // Halving rounds towards zero, which is up for numbers below it.
        let middle = if middle == high { middle - 1 } else { middle };
        if differences_up_to(canary, baseline, number(middle)) >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    number(high) + 0.0
}

fn differences_up_to(canary: &[f64], baseline: &[f64], most: f64) -> u64 {
    let mut skipped = 0;
    let mut count = 0;
    for value in canary {
        skipped += count_while(&baseline[skipped..], |other| value - other > most);
        count += (baseline.len() - skipped) as u64;
    }
    count
}

/// Where a number stands among all floating-point numbers, in order.
fn place(number: f64) -> i64 {
    flip(number.to_bits() as i64)
}

fn number(place: i64) -> f64 {
    f64::from_bits(flip(place) as u64)
}

/// Negative numbers are stored in falling order: their size bits are turned over. Twice is nothing.
const fn flip(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// In how many orders of two groups without ties each number of higher pairs, from none, arises: the
/// coefficients of the Gaussian binomial.
fn ways(m: u64, n: u64) -> Vec<i128> {
    let (few, many) = (m.min(n) as usize, m.max(n) as usize);
    let mut ways = vec![0; few * many + 1];
    ways[0] = 1;
    for i in 1..=few {
        for u in (many + i..ways.len()).rev() {
            ways[u] -= ways[u - many - i];
        }
        for u in i..ways.len() {
            ways[u] += ways[u - i];
        }
    }
    ways
}

fn exactly_at_least(m: u64, n: u64, higher: u64) -> f64 {
    let ways = ways(m, n);
    let reached: i128 = ways[higher as usize..].iter().sum();
    reached as f64 / ways.iter().sum::<i128>() as f64
}

/// The normal approximation, with the corrections for ties and for whole numbers.
fn about_at_least(canary: &[f64], baseline: &[f64], doubled: u64) -> f64 {
    let (m, n) = (canary.len() as f64, baseline.len() as f64);
    let all = sorted(&[canary, baseline].concat());
    let ties: f64 = all
        .chunk_by(|a, b| a == b)
        .map(|tied| (tied.len() as f64).powi(3) - tied.len() as f64)
        .sum();
    let variance = m * n / 12.0 * (m + n + 1.0 - ties / ((m + n) * (m + n - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    normal_above((doubled as f64 / 2.0 - m * n / 2.0 - 0.5) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_measurements_are_no_shift() {
        let shift = Shift::of(&[7.0; 12], &[7.0; 20], 0.95).unwrap();
        assert_eq!((shift.estimate, shift.low), (0.0, Some(0.0)));
        assert_eq!(shift.superiority, 0.5);
        assert!(shift.by_accident > 0.5);
        let many = Shift::of(&[7.0; 100], &[7.0; 100], 0.95).unwrap();
        assert_eq!((many.estimate, many.by_accident), (0.0, 1.0));
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        assert_eq!(Shift::of(&[f64::NAN, f64::INFINITY], &[1.0], 0.95), None);
        let with = Shift::of(&[3.0, f64::NAN, 5.0], &[1.0, 2.0], 0.95);
        assert_eq!(with, Shift::of(&[3.0, 5.0], &[1.0, 2.0], 0.95));
        assert_eq!(with.unwrap().low, None, "two against two can't be bounded");
    }

    #[test]
    fn ways_add_up_to_all_orders() {
        assert_eq!(ways(2, 2), [1, 1, 2, 1, 1]);
        assert_eq!(ways(20, 20).iter().sum::<i128>(), 137_846_528_820);
        assert_eq!(ways(1, 2_000).iter().sum::<i128>(), 2_001);
        assert!(ways(40, 50).iter().all(|ways| *ways > 0));
    }

    #[test]
    fn exact_and_approximate_meet() {
        let canary: Vec<f64> = (0..40).map(|i| f64::from(i) * 1.37 + 4.0).collect();
        let baseline: Vec<f64> = (0..45).map(|i| f64::from(i) * 1.21).collect();
        let above = doubled_u(&canary, &baseline);
        let exact = exactly_at_least(40, 45, above.div_ceil(2));
        assert!((exact - about_at_least(&canary, &baseline, above)).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_all_differences(
            canary in prop::collection::vec(-1e3..1e3f64, 1..12),
            baseline in prop::collection::vec(-1e3..1e3f64, 1..12),
        ) {
            let (canary, baseline) = (sorted(&canary), sorted(&baseline));
            let mut all: Vec<_> = canary.iter().flat_map(|x| baseline.iter().map(move |y| x - y)).collect();
            all.sort_by(f64::total_cmp);
            for (rank, wanted) in (1..).zip(&all) {
                prop_assert_eq!(ranked_difference(&canary, &baseline, rank), *wanted);
            }
            let higher = all.iter().filter(|d| **d > 0.0).count() as u64;
            let ties = all.iter().filter(|d| **d == 0.0).count() as u64;
            prop_assert_eq!(doubled_u(&canary, &baseline), 2 * higher + ties);
        }
    }
}
