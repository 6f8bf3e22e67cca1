//! Whether devices do their work worse after an update: each device against its own past, and the
//! canary against devices that were not updated, over the same hours.
//!
//! Per device the logarithm of after over before is taken, so that fast and slow devices weigh alike;
//! what the control group shows at the same time (a warm day, a slow network) cancels out.

use serde::{Deserialize, Serialize};

use super::shift::Shift;
use crate::percent::Percent;

/// Fewest updated devices with measurements.
const FEWEST_CANARIES: usize = 5;

/// Fewest devices to compare with.
const FEWEST_CONTROLS: usize = 10;

/// Both ends together; each alone holds with 95 %.
const CONFIDENCE: f64 = 0.90;

/// A metric of one device over two equal times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Before the update, or before that time for a device that was not updated. Above zero.
    pub before: f64,
    /// After it. Above zero.
    pub after: f64,
}

/// Which way a metric gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// Such as boot time, memory or latency.
    Higher,
    /// Such as battery or throughput.
    Lower,
}

/// By which share a metric got worse; below zero, better. 0.1 is 10 % worse.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Degradation {
    /// The estimate.
    pub estimate: f64,
    /// At least so much, with a confidence of 95 %.
    pub low: f64,
    /// At most so much, with a confidence of 95 %.
    pub high: f64,
    /// Updated devices that were measured.
    pub canaries: usize,
    /// Devices that they were compared with.
    pub controls: usize,
}

/// How a degradation stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// Not beyond the limit, as far as one can tell.
    Within,
    /// The estimate is beyond the limit, but it may be chance.
    Suspected,
    /// Beyond the limit even at its lower end.
    Proven,
}

impl Degradation {
    /// By how much the canary got worse than the control group. Devices without two finite values above
    /// zero are left out. None, which is inconclusive, with fewer than 5 updated devices or 10 others.
    #[must_use]
    pub fn of(canary: &[Change], control: &[Change], worse: Worse) -> Option<Self> {
        let (canary, control) = (ratios(canary), ratios(control));
        if canary.len() < FEWEST_CANARIES || control.len() < FEWEST_CONTROLS {
            return None;
        }
        let shift = Shift::of(&canary, &control, CONFIDENCE)?;
        let (low, high) = (shift.low?.exp_m1(), shift.high?.exp_m1());
        let estimate = shift.estimate.exp_m1();
        let (estimate, low, high) = match worse {
            Worse::Higher => (estimate, low, high),
            Worse::Lower => (-estimate, -high, -low),
        };
        Some(Self {
            estimate,
            low,
            high,
            canaries: canary.len(),
            controls: control.len(),
        })
    }

    /// How this stands to a limit.
    #[must_use]
    pub fn against(&self, limit: Percent) -> Concern {
        let limit = f64::from(limit) / 100.0;
        if self.low > limit {
            Concern::Proven
        } else if self.estimate > limit {
            Concern::Suspected
        } else {
            Concern::Within
        }
    }
}

fn ratios(changes: &[Change]) -> Vec<f64> {
    changes
        .iter()
        .filter(|change| change.before > 0.0 && change.after > 0.0)
        .map(|change| change.after.ln() - change.before.ln())
        .filter(|ratio| ratio.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(count: usize, factor: f64) -> Vec<Change> {
        let device = |i| Change {
            before: 50.0 + i as f64,
            after: (50.0 + i as f64) * factor,
        };
        (0..count).map(device).collect()
    }

    #[test]
    fn too_few_devices_tell_nothing() {
        let of = |m, n| Degradation::of(&changes(m, 2.0), &changes(n, 1.0), Worse::Higher);
        assert_eq!((of(4, 10), of(5, 9)), (None, None));
        assert!(of(5, 10).is_some());
        let mut holes = changes(5, 2.0);
        holes[0].before = 0.0;
        assert_eq!(
            Degradation::of(&holes, &changes(10, 1.0), Worse::Higher),
            None
        );
    }

    #[test]
    fn half_as_much_is_half_worse_where_lower_is_worse() {
        let of = |worse| Degradation::of(&changes(8, 0.5), &changes(12, 1.0), worse).unwrap();
        let lower = of(Worse::Lower);
        assert!((lower.estimate - 0.5).abs() < 1e-12 && lower.low <= lower.high);
        assert_eq!(lower.against(Percent::whole(49)), Concern::Proven);
        assert_eq!(lower.against(Percent::whole(51)), Concern::Within);
        assert_eq!(
            of(Worse::Higher).against(Percent::whole(0)),
            Concern::Within
        );
    }

    #[test]
    fn what_happens_to_all_is_not_the_updates_doing() {
        let found = Degradation::of(&changes(8, 1.4), &changes(12, 1.4), Worse::Higher).unwrap();
        assert!(found.estimate.abs() < 1e-12);
        assert_eq!(found.against(Percent::whole(10)), Concern::Within);
    }
}
