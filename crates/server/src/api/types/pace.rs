//! How fast a rollout goes, in plans.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// How many devices are offered the update in a minute: a number, or an object that also says how it grows.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RateRequest {
    /// Most offers in any minute, from the first to the last.
    PerMinute(u64),
    /// A rate that may grow.
    Growing(RateView),
}

/// A rate of offers. It grows when `factor` is there, and stays the same otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateView {
    /// Most offers in any minute at the start.
    pub per_minute: u64,
    /// What the rate is multiplied with at each step, from 1.01 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// Devices between two steps; needed with `factor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Which devices count: `notified`, those that were offered the update, or `succeeded`, those that took it
    /// (`succeeded`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counting: Option<String>,
    /// The rate never grows beyond this many offers a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u64>,
}

/// A place, such as a site, of whose devices only a share may be under way at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureDomainView {
    /// The attribute of devices whose value names the place. Devices without it are each a place of their own.
    pub attribute: String,
    /// Largest share of the targeted devices of one place, in percent; at least one device.
    pub max_percentage: f64,
}

impl From<RateRequest> for RateView {
    fn from(rate: RateRequest) -> Self {
        match rate {
            RateRequest::PerMinute(per_minute) => Self {
                per_minute,
                ..Self::default()
            },
            RateRequest::Growing(rate) => rate,
        }
    }
}

impl<'de> Deserialize<'de> for RateRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrFields)
    }
}

/// By hand, so that what is wrong inside the object is named.
struct NumberOrFields;

impl<'de> Visitor<'de> for NumberOrFields {
    type Value = RateRequest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of offers in a minute, or an object with `per_minute`")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<RateRequest, E> {
        Ok(RateRequest::PerMinute(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<RateRequest, E> {
        let number = u64::try_from(number)
            .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(RateRequest::PerMinute(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RateRequest, A::Error> {
        RateView::deserialize(MapAccessDeserializer::new(map)).map(RateRequest::Growing)
    }
}
