//! How sure a failure rate is: intervals for display and alerts. They never decide over a running wave,
//! because an interval that is looked at again and again breaks its promise.

use serde::Serialize;

use super::special::{at_least, bisect, normal_exceeded_with};

/// A range of failure rates, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Nothing is known.
    pub const ANYTHING: Self = Self {
        low: 0.0,
        high: 1.0,
    };

    /// The score interval of E. B. Wilson ("Probable Inference, the Law of Succession, and Statistical
    /// Inference", Journal of the American Statistical Association 22, 1927), at a two-sided confidence
    /// such as 0.95. Anything without devices.
    #[must_use]
    pub fn wilson(failures: u64, devices: u64, confidence: f64) -> Self {
        score_interval(failures, devices, (1.0 - confidence) / 2.0)
    }

    /// The exact interval of C. J. Clopper and E. S. Pearson ("The Use of Confidence or Fiducial Limits",
    /// Biometrika 26, 1934), at a two-sided confidence such as 0.95: wider than Wilson's, and never wrong
    /// more often than promised. Anything without devices.
    #[must_use]
    pub fn clopper_pearson(failures: u64, devices: u64, confidence: f64) -> Self {
        let failures = failures.min(devices);
        let tail = (1.0 - confidence) / 2.0;
        let low = if failures == 0 {
            0.0
        } else {
            bisect(0.0, 1.0, |p| at_least(failures, devices, p) >= tail)
        };
        let high = if failures == devices {
            1.0
        } else {
            bisect(0.0, 1.0, |p| {
                at_least(failures + 1, devices, p) >= 1.0 - tail
            })
        };
        Self { low, high }
    }
}

/// The rate that the true one exceeds with a one-sided confidence such as 0.95 (Wilson 1927).
#[must_use]
pub fn wilson_lower(failures: u64, devices: u64, confidence: f64) -> f64 {
    score_interval(failures, devices, 1.0 - confidence).low
}

/// The rate that the true one stays below with a one-sided confidence such as 0.95 (Wilson 1927).
#[must_use]
pub fn wilson_upper(failures: u64, devices: u64, confidence: f64) -> f64 {
    score_interval(failures, devices, 1.0 - confidence).high
}

fn score_interval(failures: u64, devices: u64, tail: f64) -> Interval {
    if devices == 0 {
        return Interval::ANYTHING;
    }
    let n = devices as f64;
    let rate = failures.min(devices) as f64 / n;
    let z = normal_exceeded_with(tail);
    let shrink = 1.0 + z * z / n;
    let centre = (rate + z * z / (2.0 * n)) / shrink;
    let half = z / shrink * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_device_tells_nothing() {
        assert_eq!(Interval::wilson(0, 0, 0.95), Interval::ANYTHING);
        assert_eq!(Interval::clopper_pearson(0, 0, 0.95), Interval::ANYTHING);
        assert_eq!(wilson_lower(0, 0, 0.95), 0.0);
        assert_eq!(wilson_upper(0, 0, 0.95), 1.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn both_hold_the_rate_seen(n in 1u64..100_000, share in 0.0..=1.0f64) {
            let k = (n as f64 * share) as u64;
            let rate = k as f64 / n as f64;
            for interval in [Interval::wilson(k, n, 0.95), Interval::clopper_pearson(k, n, 0.95)] {
                prop_assert!(interval.low <= rate + 1e-12 && rate <= interval.high + 1e-12);
            }
        }
    }
}
