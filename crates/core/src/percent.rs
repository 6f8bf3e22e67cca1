//! Percentages as exact integers, so that no decision rests on a rounding of the machine's floats.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share from 0 to 100 %, held in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u32);

/// A number that is no percentage.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a percentage: give a number from 0 to 100 with at most two decimals")]
pub struct NotAPercentage(pub f64);

impl Percent {
    /// The whole.
    pub const HUNDRED: Self = Self(10_000);

    /// A whole-number percentage; more than 100 is held to 100.
    #[must_use]
    pub const fn whole(percent: u32) -> Self {
        Self(if percent > 100 { 10_000 } else { percent * 100 })
    }

    /// This share of `whole`, rounded up: a share above zero of something is never nothing.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let exact = u128::from(whole) * u128::from(self.0);
        u64::try_from(exact.div_ceil(10_000)).unwrap_or(u64::MAX)
    }

    /// The share in hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0
    }

    /// Whether `part` of `whole` is strictly more than this share.
    #[must_use]
    pub fn exceeded_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 10_000 > u128::from(whole) * u128::from(self.0)
    }

    /// The largest part of `whole` that does not exceed this share.
    #[must_use]
    pub fn at_most(self, whole: u64) -> u64 {
        let exact = u128::from(whole) * u128::from(self.0) / 10_000;
        u64::try_from(exact).unwrap_or(u64::MAX)
    }
}

impl TryFrom<f64> for Percent {
    type Error = NotAPercentage;

    fn try_from(value: f64) -> Result<Self, NotAPercentage> {
        let hundredths = value * 100.0;
        let whole = (0..=10_000).contains(&(hundredths.round() as i64));
        if whole && (hundredths - hundredths.round()).abs() < 1e-6 {
            Ok(Self(hundredths.round() as u32))
        } else {
            Err(NotAPercentage(value))
        }
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        Self::from(percent.0) / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(*self))
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u32(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(*self))
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_no_percentage() {
        for bad in [-0.01, 100.01, 0.001, f64::NAN, f64::INFINITY] {
            assert!(Percent::try_from(bad).is_err(), "{bad}");
        }
        assert_eq!(Percent::try_from(0.25).unwrap().to_string(), "0.25 %");
    }

    proptest! {
        #[test]
        fn a_share_above_zero_is_never_nothing(p in 1u32..=100, n in 1u64..10_000_000) {
            let share = Percent::whole(p).of(n);
            prop_assert!(share >= 1 && share <= n);
        }

        #[test]
        fn at_most_is_the_last_number_not_exceeding(p in 0u32..=100, n in 1u64..10_000_000) {
            let percent = Percent::whole(p);
            let most = percent.at_most(n);
            prop_assert!(!percent.exceeded_by(most, n));
            prop_assert!(percent.exceeded_by(most + 1, n));
        }
    }
}
