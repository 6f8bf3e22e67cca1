//! `cache`: where replicas share what is costly to compute.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;
use super::values::{Seconds, Secret, on};

/// The cache; losing it loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Whether the cache is used.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Where the cache is kept.
    #[serde(default)]
    pub cache_type: CacheType,
    /// Address of the Redis server, such as `redis://localhost:6379/0`; needed for `redis`.
    pub redis_url: Option<Secret>,
    /// Seconds that an entry is kept.
    #[serde(default = "hour")]
    pub default_ttl: Seconds,
}

/// Where the cache is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheType {
    /// In the memory of each replica.
    #[default]
    Memory,
    /// In a Redis server.
    Redis,
}

impl Cache {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        if let Some(url) = &self.redis_url {
            rules::url(
                url.expose(),
                &["redis", "rediss"],
                &place.key("redis_url"),
                report,
            );
        } else if self.cache_type == CacheType::Redis {
            report.refuse(
                place,
                "needs the key `redis_url` for the cache type `redis`",
            );
        }
    }
}

fn hour() -> Seconds {
    Seconds(3_600)
}
