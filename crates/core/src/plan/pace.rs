//! How fast devices are offered an update, and how many may be under way at once.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::percent::Percent;

/// Limits on how fast a rollout goes. Each holds exactly, at every instant.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Most devices that were offered the update and are not through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
    /// Most offers in any minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Most devices of one place at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_domain: Option<FailureDomain>,
}

impl Pace {
    /// Whether nothing limits the pace.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }
}

/// A rate of offers, constant or growing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Offers a minute at the start.
    pub per_minute: u64,
    /// How it grows; it stays the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
}

/// An exponential growth of the rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// What the rate is multiplied with at each step.
    pub factor: Factor,
    /// Devices between two steps.
    pub every: u64,
    /// Which devices count.
    pub counting: Counting,
    /// The rate never grows beyond this many offers a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u64>,
}

/// Which devices let a rate grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Those that were offered the update.
    Notified,
    /// Those that took it.
    Succeeded,
}

/// A factor of growth from 1.01 to 100, held in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor(u32);

/// A number that is no factor of growth.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a factor of growth: give a number from 1.01 to 100 with at most two decimals")]
pub struct NotAFactor(pub f64);

/// A place, named by an attribute of its devices, of which only a share may be under way at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureDomain {
    /// The attribute whose value names the place. Devices without it are each a place of their own.
    pub attribute: String,
    /// The largest share of the targeted devices of one place; at least one device.
    pub max_percentage: Percent,
}

impl Rate {
    /// Offers a minute once so many devices were offered the update and so many took it.
    #[must_use]
    pub fn at(&self, notified: u64, succeeded: u64) -> u64 {
        let Some(growth) = &self.growth else {
            return self.per_minute;
        };
        let counted = match growth.counting {
            Counting::Notified => notified,
            Counting::Succeeded => succeeded,
        };
        let most = growth.maximum.unwrap_or(u64::MAX);
        let mut rate = self.per_minute.min(most);
        for _ in 0..counted / growth.every.max(1) {
            if rate >= most {
                break;
            }
            let grown = u128::from(rate) * u128::from(growth.factor.0) / 100;
            let grown = u64::try_from(grown).unwrap_or(u64::MAX);
            rate = grown.max(rate.saturating_add(1)).min(most);
        }
        rate
    }
}

impl TryFrom<f64> for Factor {
    type Error = NotAFactor;

    fn try_from(value: f64) -> Result<Self, NotAFactor> {
        let hundredths = (value * 100.0).round();
        let exact = (value * 100.0 - hundredths).abs() < 1e-6;
        if exact && (101.0..=10_000.0).contains(&hundredths) {
            Ok(Self(hundredths as u32))
        } else {
            Err(NotAFactor(value))
        }
    }
}

impl From<Factor> for f64 {
    fn from(factor: Factor) -> Self {
        Self::from(factor.0) / 100.0
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((*self).into())
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubling() -> Rate {
        Rate {
            per_minute: 10,
            growth: Some(Growth {
                factor: Factor::try_from(2.0).unwrap(),
                every: 50,
                counting: Counting::Succeeded,
                maximum: Some(100),
            }),
        }
    }

    #[test]
    fn a_rate_grows_with_what_it_counts_up_to_its_maximum() {
        let rate = doubling();
        let at = [0, 49, 50, 100, 150, 200, u64::MAX].map(|succeeded| rate.at(9_999, succeeded));
        assert_eq!(at, [10, 10, 20, 40, 80, 100, 100]);
    }

    #[test]
    fn a_small_rate_grows_all_the_same() {
        let mut rate = doubling();
        rate.per_minute = 1;
        if let Some(growth) = &mut rate.growth {
            growth.factor = Factor::try_from(1.01).unwrap();
        }
        assert_eq!(rate.at(0, 100), 3);
    }

    #[test]
    fn factors_are_checked() {
        assert!(Factor::try_from(1.0).is_err());
        assert!(Factor::try_from(1.005).is_err());
        assert_eq!(f64::from(Factor::try_from(1.5).unwrap()), 1.5);
    }
}
