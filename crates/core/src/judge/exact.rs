//! Exact tests of a canary against the rest of the fleet: failures, and issues that people report.
//! Each is meant to be looked at once, such as at the end of a wave.

use serde::{Deserialize, Serialize};

use super::special::{at_least, ln_choose};

/// Chance of an accident from which on reported issues stand out.
const RARE: f64 = 0.01;

/// Fewest people who must have reported an issue.
const FEWEST_REPORTERS: u64 = 3;

/// Failures among devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Devices that failed; more than `devices` counts as all.
    pub failures: u64,
    /// Devices that are through.
    pub devices: u64,
}

/// Issues that people reported over a time of use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issues {
    /// People who reported something; each counts once.
    pub reporters: u64,
    /// Devices times the hours that each was in use.
    pub device_hours: f64,
}

impl Counts {
    /// Devices that did not fail.
    #[must_use]
    pub const fn successes(&self) -> u64 {
        self.devices.saturating_sub(self.failures)
    }
}

/// The chance of at least the canary's failures if the canary were like the rest (one-sided; R. A.
/// Fisher, "The Logic of Inductive Inference", Journal of the Royal Statistical Society 98, 1935). The work
/// grows with the number of failures.
#[must_use]
pub fn fisher(canary: Counts, rest: Counts) -> f64 {
    let (here, there) = (
        canary.failures.min(canary.devices),
        rest.failures.min(rest.devices),
    );
    if here == 0 {
        return 1.0;
    }
    let failures = here + there;
    let all = ln_choose(canary.devices + rest.devices, failures);
    (here..=failures.min(canary.devices))
        .map(|k| ln_choose(canary.devices, k) + ln_choose(rest.devices, failures - k) - all)
        .map(f64::exp)
        .sum::<f64>()
        .min(1.0)
}

/// The chance of at least the canary's issues if issues came at the same rate everywhere: given their
/// sum, the canary's are binomial with its share of the hours (J. Przyborowski and H. Wilenski,
/// "Homogeneity of Results in Testing Samples from Poisson Series", Biometrika 31, 1940). None while
/// either side has no hours.
#[must_use]
pub fn issues_by_accident(canary: Issues, rest: Issues) -> Option<f64> {
    let in_use = |side: Issues| side.device_hours.is_finite() && side.device_hours > 0.0;
    if !in_use(canary) || !in_use(rest) {
        return None;
    }
    let share = canary.device_hours / (canary.device_hours + rest.device_hours);
    let all = canary.reporters + rest.reporters;
    Some(at_least(canary.reporters, all, share))
}

/// Whether the canary's issues are too many to be an accident: at most 1 %, from three people or more.
#[must_use]
pub fn issues_stand_out(canary: Issues, rest: Issues) -> bool {
    canary.reporters >= FEWEST_REPORTERS
        && issues_by_accident(canary, rest).is_some_and(|chance| chance <= RARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_people_are_not_enough_and_hours_are_needed() {
        let issues = |reporters, device_hours| Issues {
            reporters,
            device_hours,
        };
        let quiet = issues(0, 1_000_000.0);
        assert!(issues_by_accident(issues(2, 1.0), quiet).unwrap() < RARE);
        assert!(!issues_stand_out(issues(2, 1.0), quiet));
        assert!(issues_stand_out(issues(3, 1.0), quiet));
        for hours in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(issues_by_accident(issues(3, hours), quiet), None);
            assert_eq!(issues_by_accident(quiet, issues(3, hours)), None);
        }
    }

    #[test]
    fn no_failure_is_no_evidence() {
        let counts = |failures, devices| Counts { failures, devices };
        assert_eq!(fisher(counts(0, 10), counts(5, 100)), 1.0);
        assert_eq!(fisher(counts(0, 0), counts(0, 0)), 1.0);
        assert!((fisher(counts(1, 1), counts(0, 1)) - 0.5).abs() < 1e-12);
        assert!((fisher(counts(3, 3), counts(0, 3)) - 0.05).abs() < 1e-12);
    }
}
