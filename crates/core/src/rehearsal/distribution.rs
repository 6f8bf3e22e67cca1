//! Many simulations of one plan, and what they have in common.

use std::collections::BTreeMap;

use serde::Serialize;

use super::simulate::{Simulated, Simulation};

/// What many simulations of one plan came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// How many there were.
    pub runs: u64,
    /// How many of them ended so, by the phase's name.
    pub endings: BTreeMap<&'static str, u64>,
    /// Seconds from the start to the end.
    pub seconds: Spread,
    /// Devices that run the new version at the end.
    pub updated: Spread,
    /// Devices that failed, were lost, or did not go back.
    pub failed: Spread,
    /// Devices that failed or were lost at any time.
    pub harmed: Spread,
    /// Most devices at once that ran the new version or were lost to it.
    pub exposed: Spread,
}

/// How a number spreads over the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Spread {
    /// Half of the runs have at most this.
    pub median: u64,
    /// Nineteen of twenty runs have at most this.
    pub p95: u64,
    /// Every run has at most this.
    pub max: u64,
}

impl Spread {
    /// The spread of some numbers; all zero when there are none.
    #[must_use]
    pub fn of(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        let rank = |percent: usize| {
            let rank = (numbers.len() * percent).div_ceil(100).max(1);
            numbers.get(rank - 1).copied().unwrap_or_default()
        };
        Self {
            median: rank(50),
            p95: rank(95),
            max: rank(100),
        }
    }
}

impl Simulation<'_> {
    /// Runs the plan many times, with this seed and those after it.
    #[must_use]
    pub fn run_many(&self, seed: u64, runs: u64) -> Distribution {
        let mut all: Vec<Simulated> = Vec::new();
        for run in 0..runs {
            let mut simulated = self.run(seed.wrapping_add(run));
            simulated.transcript = Vec::new();
            all.push(simulated);
        }
        let mut endings = BTreeMap::new();
        for simulated in &all {
            *endings.entry(simulated.ending).or_default() += 1;
        }
        let spread = |number: fn(&Simulated) -> u64| Spread::of(all.iter().map(number).collect());
        Distribution {
            runs,
            endings,
            seconds: spread(|simulated| simulated.seconds),
            updated: spread(|simulated| simulated.updated),
            failed: spread(|simulated| simulated.failed),
            harmed: spread(|simulated| simulated.harmed),
            exposed: spread(|simulated| simulated.exposed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_numbers() {
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        let spread = |n: u64| {
            let Spread { median, p95, max } = Spread::of((1..=n).rev().collect());
            (median, p95, max)
        };
        assert_eq!(spread(1), (1, 1, 1));
        assert_eq!(spread(4), (2, 4, 4));
        assert_eq!(spread(100), (50, 95, 100));
    }
}
