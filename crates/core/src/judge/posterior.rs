//! "How likely is it that this release is too bad": the beta-binomial model (T. Bayes, "An Essay towards
//! Solving a Problem in the Doctrine of Chances", 1763), for dashboards.
//!
//! It does not bound false rollbacks when it is looked at again and again, and with a firm prior one
//! failure in ten "proves" a canary worse than a fleet at 1 %: beside it belongs the exact test of
//! [`fisher`](super::fisher).

use super::Counts;
use super::special::{ln_beta, ln_beta_above};

/// What is believed about a failure rate: a beta distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    failures: f64,
    successes: f64,
}

impl Belief {
    /// Every rate is as likely as any other.
    pub const UNIFORM: Self = Self {
        failures: 1.0,
        successes: 1.0,
    };

    /// The prior of H. Jeffreys ("An Invariant Form for the Prior Probability in Estimation Problems",
    /// 1946).
    pub const JEFFREYS: Self = Self {
        failures: 0.5,
        successes: 0.5,
    };

    /// Before there was any release: as if one of twenty devices had failed.
    pub const FIRST_RELEASE: Self = Self {
        failures: 1.0,
        successes: 19.0,
    };

    /// From earlier releases: their mean failure rate (between 0 and 1, both excluded), weighed like so
    /// many devices. The first release's belief when these make no distribution.
    #[must_use]
    pub fn from_releases(mean: f64, weight: f64) -> Self {
        let belief = Self {
            failures: mean * weight,
            successes: (1.0 - mean) * weight,
        };
        let sound = |v: f64| v.is_finite() && v > 0.0;
        if sound(belief.failures) && sound(belief.successes) {
            belief
        } else {
            Self::FIRST_RELEASE
        }
    }

    /// What is believed after these devices.
    #[must_use]
    pub fn after(self, seen: Counts) -> Self {
        Self {
            failures: self.failures + seen.failures as f64,
            successes: self.successes + seen.successes() as f64,
        }
    }

    /// The chance that the rate is above `limit` (0 to 1).
    #[must_use]
    pub fn chance_above(self, limit: f64) -> f64 {
        ln_beta_above(limit, self.failures, self.successes).exp()
    }
}

/// The chance that the canary's failure rate is above the baseline's, knowing nothing else (both
/// uniform before). The work grows with the canary's failures.
#[must_use]
pub fn chance_worse(canary: Counts, baseline: Counts) -> f64 {
    let canary_failures = canary.failures + 1;
    let canary_successes = canary.successes() as f64 + 1.0;
    let (failures, successes) = (
        baseline.failures as f64 + 1.0,
        baseline.successes() as f64 + 1.0,
    );
    (0..canary_failures)
        .map(|i| {
            let i = i as f64;
            let both = ln_beta(failures + i, canary_successes + successes);
            let alone = ln_beta(1.0 + i, canary_successes) + ln_beta(failures, successes);
            (both - (canary_successes + i).ln() - alone).exp()
        })
        .sum::<f64>()
        .min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beliefs_without_a_distribution_are_the_first() {
        for (mean, weight) in [(0.0, 20.0), (1.0, 20.0), (0.05, 0.0), (f64::NAN, 20.0)] {
            assert_eq!(
                Belief::from_releases(mean, weight),
                Belief::FIRST_RELEASE,
                "{mean} {weight}"
            );
        }
        assert_eq!(Belief::from_releases(0.05, 20.0), Belief::FIRST_RELEASE);
        assert!((Belief::UNIFORM.chance_above(0.3) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn equal_sides_are_a_coin() {
        for (failures, devices) in [(0, 0), (3, 10), (20, 40)] {
            let side = Counts { failures, devices };
            assert!((chance_worse(side, side) - 0.5).abs() < 1e-9);
        }
    }
}
