//! The four strategies as ordered lists of wave sizes. What happens inside and between waves is the
//! engine's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::percent::Percent;

/// How a rollout is cut into waves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Everybody fills the inactive slot; then everybody switches.
    BlueGreen,
    /// A few first, then cumulative steps.
    Canary,
    /// Batch after batch.
    Rolling,
    /// Everybody at once.
    Immediate,
}

/// The steps of a canary when the plan names none, cumulative, after `canary_percentage`.
pub struct Canary;

impl Canary {
    /// Share of the first wave when the plan names none.
    pub const PERCENTAGE: Percent = Percent::whole(10);
    /// Shares of the later waves when the plan names none.
    pub const STEPS: [Percent; 3] = [Percent::whole(25), Percent::whole(50), Percent::HUNDRED];
}

/// What becomes of devices that do not come to fetch the update in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfflinePolicy {
    /// The wave waits for them.
    Wait,
    /// They are left out.
    Skip,
    /// The wave is judged without them; they get the update when they come.
    #[default]
    Late,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 4] = [
        Self::BlueGreen,
        Self::Canary,
        Self::Rolling,
        Self::Immediate,
    ];

    /// The strategy's name everywhere.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BlueGreen => "blue_green",
            Self::Canary => "canary",
            Self::Rolling => "rolling",
            Self::Immediate => "immediate",
        }
    }

    /// The sizes of the waves for this many targets; they add up to it, and none is empty.
    #[must_use]
    pub fn waves(self, plan: &Plan, targets: u64) -> Vec<u64> {
        match self {
            Self::Immediate | Self::BlueGreen => {
                (targets > 0).then_some(targets).into_iter().collect()
            }
            Self::Rolling => {
                let batch = plan
                    .batch_size
                    .unwrap_or_else(|| plan.batch_percentage.of(targets));
                batches(targets, batch.max(1))
            }
            Self::Canary => {
                let first = std::iter::once(plan.canary_percentage);
                cumulative(targets, first.chain(plan.canary_steps.iter().copied()))
            }
        }
    }

    /// Whether devices fill a slot first and switch later.
    #[must_use]
    pub const fn stages(self) -> bool {
        matches!(self, Self::BlueGreen)
    }
}

fn batches(targets: u64, batch: u64) -> Vec<u64> {
    let full = targets / batch;
    let rest = targets % batch;
    let mut sizes = vec![batch; usize::try_from(full).unwrap_or(usize::MAX)];
    sizes.extend((rest > 0).then_some(rest));
    sizes
}

fn cumulative(targets: u64, shares: impl Iterator<Item = Percent>) -> Vec<u64> {
    let mut reached = 0;
    let mut sizes = Vec::new();
    for share in shares.chain(std::iter::once(Percent::HUNDRED)) {
        let end = share.of(targets);
        if end > reached {
            sizes.push(end - reached);
            reached = end;
        }
    }
    sizes
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("`{text}` is not a strategy: use one of {names}")
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::super::tests_support::plan;
    use super::{Percent, Strategy};

    #[test]
    fn canary_steps_are_cumulative_and_end_with_everybody() {
        let mut plan = plan(Strategy::Canary);
        assert_eq!(plan.waves(1000), [100, 150, 250, 500]);
        assert_eq!(plan.waves(3), [1, 1, 1]);
        plan.canary_steps = vec![Percent::whole(20)];
        assert_eq!(plan.waves(100), [10, 10, 80]);
        plan.rollout_percentage = Percent::whole(50);
        assert_eq!(plan.waves(100), [5, 5, 40]);
    }

    #[test]
    fn rolling_takes_the_size_before_the_share() {
        let mut plan = plan(Strategy::Rolling);
        assert_eq!(plan.waves(25), [3, 3, 3, 3, 3, 3, 3, 3, 1]);
        plan.batch_size = Some(20);
        assert_eq!(plan.waves(45), [20, 20, 5]);
    }

    proptest! {
        #[test]
        fn waves_add_up_and_none_is_empty(targets in 1u64..100_000, which in 0usize..4) {
            let plan = plan(Strategy::ALL[which]);
            let waves = plan.waves(targets);
            prop_assert_eq!(waves.iter().sum::<u64>(), targets);
            prop_assert!(waves.iter().all(|&size| size > 0));
        }
    }
}
