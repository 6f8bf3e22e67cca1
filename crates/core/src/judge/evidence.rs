//! The strict rule: evidence against "the failure rate is within the limit", as an e-value. Where the
//! sequential gate aims at rates around the limit, this one promises that a firmware exactly at the
//! limit is rolled back with a chance of 5 % at most, however often one looks.
//!
//! An e-value is what a bet against a claim has won so far; a fair bet multiplies its stake by twenty
//! with a chance of one in twenty at most (Ville 1939; V. Vovk and R. Wang, "E-values: Calibration,
//! Combination and Applications", Annals of Statistics 49, 2021). The bet here is spread over all rates
//! beyond the limit, after a beta distribution (H. Robbins, "Statistical Methods Related to the Law of
//! the Iterated Logarithm", Annals of Mathematical Statistics 41, 1970).
//!
//! Floating point makes the tables; whoever decides with them compares whole numbers.

use super::special::{ln_beta, ln_beta_above, ln_beta_below};
use crate::percent::Percent;

/// The stake multiplied: a chance of 5 % to be wrong.
const ENOUGH: f64 = 20.0;

/// A bet against a limit, spread over the rates on one side of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    limit: f64,
    a: f64,
    b: f64,
}

impl Mixture {
    /// The bet about a limit, spread like one failure among ten devices. None for a limit of 0 or 100 %,
    /// where there is nothing to weigh.
    #[must_use]
    pub fn new(limit: Percent) -> Option<Self> {
        Self::spread(limit, 1, 9)
    }

    /// The bet about a limit, spread like `failures` and `successes` seen before; both above zero.
    #[must_use]
    pub fn spread(limit: Percent, failures: u32, successes: u32) -> Option<Self> {
        let limit = f64::from(limit) / 100.0;
        let sound = limit > 0.0 && limit < 1.0 && failures > 0 && successes > 0;
        sound.then(|| Self {
            limit,
            a: f64::from(failures),
            b: f64::from(successes),
        })
    }

    /// What the bet on a rate above the limit has won: 1 at the start, 20 is enough.
    #[must_use]
    pub fn against(&self, failures: u64, devices: u64) -> f64 {
        self.e_value(failures, devices, ln_beta_above)
    }

    /// What the bet on a rate below the limit has won: 1 at the start, 20 is enough.
    #[must_use]
    pub fn in_favour(&self, failures: u64, devices: u64) -> f64 {
        self.e_value(failures, devices, ln_beta_below)
    }

    /// The fewest failures among so many devices that reject the limit; none when even all don't.
    #[must_use]
    pub fn smallest_failures_that_reject(&self, devices: u64) -> Option<u64> {
        first(0, devices, |failures| {
            self.against(failures, devices) >= ENOUGH
        })
    }

    /// With so many failures, the most devices (`max_devices` at most) among which they reject the limit;
    /// none when so few never do.
    #[must_use]
    pub fn rejects_through(&self, failures: u64, max_devices: u64) -> Option<u64> {
        let open = |devices| self.against(failures, devices) < ENOUGH;
        if failures > max_devices || open(failures) {
            return None;
        }
        Some(first(failures, max_devices, open).map_or(max_devices, |n| n - 1))
    }

    /// [`rejects_through`](Self::rejects_through) for every number of failures from none upwards, up to
    /// the first that rejects at `max_devices`.
    #[must_use]
    pub fn table(&self, max_devices: u64) -> Vec<Option<u64>> {
        let last = self.smallest_failures_that_reject(max_devices);
        (0..=last.unwrap_or(max_devices))
            .map(|failures| self.rejects_through(failures, max_devices))
            .collect()
    }

    /// Devices with so many failures among them that show a rate below the limit.
    #[must_use]
    pub fn passes_from(&self, failures: u64) -> u64 {
        let enough = |devices| self.in_favour(failures, devices) >= ENOUGH;
        let mut bound = failures.max(1);
        while !enough(bound) {
            bound = bound.saturating_mul(2);
            if bound == u64::MAX {
                return bound;
            }
        }
        first(failures, bound, enough).unwrap_or(bound)
    }

    fn e_value(&self, failures: u64, devices: u64, ln_share: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let (k, rest) = (failures as f64, devices.saturating_sub(failures) as f64);
        let Self { limit, a, b } = *self;
        let weight = |a: f64, b: f64| ln_beta(a, b) + ln_share(limit, a, b);
        let under_the_limit = k * limit.ln() + rest * (-limit).ln_1p();
        (weight(a + k, b + rest) - weight(a, b) - under_the_limit).exp()
    }
}

/// The first number from `low` to `high` at which `reached` holds, given that it holds from there on.
fn first(low: u64, high: u64, reached: impl Fn(u64) -> bool) -> Option<u64> {
    if low > high || !reached(high) {
        return None;
    }
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low.midpoint(high);
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_seen_nothing_won() {
        assert_eq!(Mixture::new(Percent::whole(0)), None);
        assert_eq!(Mixture::new(Percent::HUNDRED), None);
        assert_eq!(Mixture::spread(Percent::whole(5), 0, 9), None);
        let mixture = Mixture::new(Percent::whole(5)).unwrap();
        assert_eq!((mixture.against(0, 0), mixture.in_favour(0, 0)), (1.0, 1.0));
        assert_eq!(mixture.smallest_failures_that_reject(0), None);
        assert_eq!(mixture.smallest_failures_that_reject(2), None);
    }

    #[test]
    fn at_the_limit_the_bet_is_fair_and_below_it_loses() {
        let mixture = Mixture::new(Percent::whole(5)).unwrap();
        for n in 0..60 {
            for k in 0..=n {
                let now = mixture.against(k, n);
                let next = |p: f64| {
                    p * mixture.against(k + 1, n + 1) + (1.0 - p) * mixture.against(k, n + 1)
                };
                assert!((next(0.05) / now - 1.0).abs() < 1e-11, "{k} of {n}");
                assert!(next(0.04) < now, "{k} of {n}");
            }
        }
    }

    #[test]
    fn the_table_says_what_the_bet_says() {
        let mixture = Mixture::new(Percent::whole(10)).unwrap();
        let table = mixture.table(120);
        for n in 1..=120 {
            for (k, through) in (0..=n).zip(&table) {
                let rejects = through.is_some_and(|through| n <= through);
                assert_eq!(rejects, mixture.against(k, n) >= ENOUGH, "{k} of {n}");
            }
        }
    }
}
