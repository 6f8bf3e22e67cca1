//! `max_failure_rate`: a limit on failures that trips as soon as no later success could save the wave,
//! and passes only when every judged device is through.

use std::fmt;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::percent::Percent;

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Numbers {
    /// Devices that the verdict is about.
    pub size: u64,
    /// Those that took the update.
    pub succeeded: u64,
    /// Those that failed or were given up, less the failures that an operator accepted.
    pub failed: u64,
    /// Those that are not through.
    pub in_flight: u64,
    /// Those that never came to fetch it, or were left out.
    pub not_judged: u64,
}

/// The limits that devices are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most failures; nothing trips when absent.
    pub max_failure_rate: Option<Percent>,
    /// Least share that must be judged.
    pub min_judged: Percent,
}

/// The outcome of judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Good enough to go on.
    Pass,
    /// Too many failures.
    Fail,
    /// Too little to tell; a person decides.
    Inconclusive,
}

impl Numbers {
    /// Devices that are through and count.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.succeeded + self.failed
    }
}

impl Add for Numbers {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            size: self.size + other.size,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            in_flight: self.in_flight + other.in_flight,
            not_judged: self.not_judged + other.not_judged,
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            size,
            succeeded,
            failed,
            in_flight,
            not_judged,
        } = self;
        write!(f, "{failed} failed and {succeeded} succeeded of {size}")?;
        if *in_flight > 0 {
            write!(f, ", {in_flight} not through")?;
        }
        if *not_judged > 0 {
            write!(f, ", {not_judged} not judged")?;
        }
        Ok(())
    }
}

/// The verdict on these numbers, or none while it is open.
#[must_use]
pub fn judge(numbers: &Numbers, limits: &Limits) -> Option<Verdict> {
    let over = |whole| {
        limits
            .max_failure_rate
            .is_some_and(|max| max.exceeded_by(numbers.failed, whole))
    };
    if over(numbers.size) {
        return Some(Verdict::Fail);
    }
    if numbers.in_flight > 0 {
        return None;
    }
    let judged = numbers.judged();
    let wanted = limits.min_judged.of(numbers.size).max(1);
    if judged < wanted {
        return Some(Verdict::Inconclusive);
    }
    Some(if over(judged) {
        Verdict::Fail
    } else {
        Verdict::Pass
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(rate: u32) -> Limits {
        Limits {
            max_failure_rate: Some(Percent::whole(rate)),
            min_judged: Percent::whole(50),
        }
    }

    fn numbers(succeeded: u64, failed: u64, in_flight: u64, not_judged: u64) -> Numbers {
        let size = succeeded + failed + in_flight + not_judged;
        Numbers {
            size,
            succeeded,
            failed,
            in_flight,
            not_judged,
        }
    }

    #[test]
    fn trips_when_certain_and_not_before() {
        assert_eq!(
            judge(&numbers(0, 10, 90, 0), &limits(10)),
            None,
            "exactly the limit"
        );
        assert_eq!(
            judge(&numbers(0, 11, 89, 0), &limits(10)),
            Some(Verdict::Fail)
        );
        assert_eq!(
            judge(&numbers(0, 1, 99, 0), &limits(0)),
            Some(Verdict::Fail)
        );
    }

    #[test]
    fn the_rate_is_over_judged_devices_in_the_end() {
        assert_eq!(
            judge(&numbers(54, 6, 0, 40), &limits(10)),
            Some(Verdict::Pass)
        );
        assert_eq!(
            judge(&numbers(53, 7, 0, 40), &limits(10)),
            Some(Verdict::Fail)
        );
    }

    #[test]
    fn no_data_is_never_a_pass() {
        assert_eq!(
            judge(&numbers(0, 0, 0, 10), &limits(10)),
            Some(Verdict::Inconclusive)
        );
        assert_eq!(
            judge(&numbers(49, 0, 0, 51), &limits(10)),
            Some(Verdict::Inconclusive)
        );
        let none = Limits {
            max_failure_rate: None,
            min_judged: Percent::default(),
        };
        assert_eq!(
            judge(&numbers(0, 0, 0, 10), &none),
            Some(Verdict::Inconclusive)
        );
    }

    proptest! {
        #[test]
        fn an_early_fail_is_certain(s in 0u64..50, f in 0u64..50, open in 1u64..50, m in 0u32..100) {
            let limits = limits(m);
            let best = judge(&numbers(s + open, f, 0, 0), &limits);
            match judge(&numbers(s, f, open, 0), &limits) {
                Some(verdict) => prop_assert_eq!((verdict, best), (Verdict::Fail, Some(Verdict::Fail))),
                None => prop_assert_eq!(best, Some(Verdict::Pass)),
            }
        }
    }
}
