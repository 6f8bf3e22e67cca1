//! When a rollout is stopped, and what each verdict leads to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::device::FailureKind;
use crate::judge::Boundary;
use crate::percent::Percent;
use crate::seconds::Seconds;

/// When a rollout is stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackCriteria {
    /// Most failures, in percent of a wave and of all released devices; nothing trips when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failure_rate: Option<Percent>,
    /// How that limit is applied.
    #[serde(default)]
    pub judgement: Judgement,
    /// The lines of the sequential test, fixed when the plan is made, so that what is approved is what
    /// decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Boundary>,
    /// Limits of single kinds of failure, beside the limit of all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failure_limits: BTreeMap<FailureKind, FailureLimit>,
    /// Least share of a wave that must have come to fetch the update for a verdict.
    #[serde(default = "half")]
    pub min_judged: Percent,
    /// A failed health check trips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_failure: Option<bool>,
    /// Largest drop of a device metric, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance_degradation: Option<Percent>,
    /// Most issues reported by users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_reported_issues: Option<u32>,
}

impl RollbackCriteria {
    /// The lines of the sequential test: those fixed with the plan, or those of its limit.
    #[must_use]
    pub fn boundary(&self) -> Option<Boundary> {
        self.boundary
            .or_else(|| self.max_failure_rate.and_then(Boundary::new))
    }
}

/// How the limit on failures is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Trips when a wave is certain to be over the limit; passes when every device is through.
    #[default]
    Threshold,
    /// Trips and passes when the evidence is significant; may be looked at after every device.
    #[serde(alias = "statistical")]
    Sequential,
}

/// A limit on one kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureLimit {
    /// Most devices of a wave that may fail so.
    pub max_rate: Percent,
    /// It takes at least this many to trip.
    #[serde(default = "one")]
    pub min_count: u64,
}

/// What follows a wave that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPass {
    /// The next wave.
    #[default]
    Continue,
    /// A person decides.
    Pause,
}

/// What follows a wave that can't be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// A person decides.
    #[default]
    Pause,
    /// The next wave; what is known of this one is carried on to it.
    Continue,
    /// Devices go back.
    Rollback,
}

/// How often a device that failed is offered the update again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Most further attempts.
    pub times: u32,
    /// Seconds until the first of them; each later one waits twice as long.
    #[serde(default = "five_minutes")]
    pub backoff: Seconds,
}

impl Retry {
    /// How long to wait before the attempt after `failed` ones; none when there is none.
    #[must_use]
    pub fn wait_after(&self, failed: u32) -> Option<Seconds> {
        if failed == 0 || failed > self.times {
            return None;
        }
        let doubled = u64::from(self.backoff.0) << (failed - 1).min(20);
        Some(Seconds(doubled.min(7 * 86_400) as u32))
    }
}

const fn half() -> Percent {
    Percent::whole(50)
}

const fn one() -> u64 {
    1
}

const fn five_minutes() -> Seconds {
    Seconds(300)
}

impl Default for RollbackCriteria {
    fn default() -> Self {
        Self {
            max_failure_rate: None,
            judgement: Judgement::Threshold,
            boundary: None,
            failure_limits: BTreeMap::new(),
            min_judged: half(),
            health_check_failure: None,
            performance_degradation: None,
            user_reported_issues: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_retry_waits_twice_as_long_up_to_a_week() {
        let retry = Retry {
            times: 40,
            backoff: Seconds(60),
        };
        let waits = [0, 1, 2, 3, 40, 41].map(|failed| retry.wait_after(failed).map(|s| s.0));
        assert_eq!(
            waits,
            [None, Some(60), Some(120), Some(240), Some(604_800), None]
        );
    }
}
