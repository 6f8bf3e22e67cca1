//! `health_checks`: probes of services, brokers, databases and the devices themselves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;
use super::values::{HttpMethod, Percent, Seconds, Secret};

/// One health check; `type` says of which kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HealthCheck {
    /// An HTTP request that must be answered as expected.
    Http(HttpCheck),
    /// A broker that must pass a message on to us.
    Mqtt(MqttCheck),
    /// A database that must answer a query.
    Database(DatabaseCheck),
    /// A TCP port that must accept a connection.
    Tcp(TcpCheck),
    /// A Prometheus query whose value must lie in a range.
    Prometheus(PrometheusCheck),
    /// The devices of the environment, enough of which must be online.
    Devices(DevicesCheck),
}

/// An HTTP request that must be answered as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// Full URL, or a path such as `/health` below each of the environment's `api_endpoints`.
    pub endpoint: String,
    /// Method of the request.
    #[serde(default = "get")]
    pub method: HttpMethod,
    /// Seconds that one try may take.
    #[serde(default = "half_a_minute")]
    pub timeout: Seconds,
    /// Status of the answer that means healthy.
    #[serde(default = "ok")]
    #[schemars(range(min = 100, max = 599))]
    pub expected_status: u16,
    /// How often a failed try is repeated.
    #[serde(default = "three")]
    #[schemars(range(max = 100))]
    pub retry_count: u32,
}

/// A broker that must pass a message on to us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttCheck {
    /// Address of the broker, such as `mqtt://broker.example.com:1883`.
    pub broker: String,
    /// Topic that the probe publishes to and subscribes to.
    pub topic: String,
    /// Seconds that one try may take.
    #[serde(default = "half_a_minute")]
    pub timeout: Seconds,
    /// How often a failed try is repeated.
    #[serde(default = "three")]
    #[schemars(range(max = 100))]
    pub retry_count: u32,
}

/// A database that must answer a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseCheck {
    /// Address of the database, such as `postgresql://user@host:5432/name`.
    pub connection_string: Secret,
    /// Query that must succeed.
    #[serde(default = "select_one")]
    pub query: String,
    /// Seconds that one try may take.
    #[serde(default = "half_a_minute")]
    pub timeout: Seconds,
    /// How often a failed try is repeated.
    #[serde(default = "three")]
    #[schemars(range(max = 100))]
    pub retry_count: u32,
}

/// A TCP port that must accept a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpCheck {
    /// Host and port, as `host:port`.
    pub address: String,
    /// Seconds that one try may take.
    #[serde(default = "half_a_minute")]
    pub timeout: Seconds,
    /// How often a failed try is repeated.
    #[serde(default = "three")]
    #[schemars(range(max = 100))]
    pub retry_count: u32,
}

/// A Prometheus query whose value must lie in a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusCheck {
    /// Address of the Prometheus server.
    pub url: String,
    /// PromQL query with one value as its result.
    pub query: String,
    /// Least value that means healthy.
    pub min: Option<f64>,
    /// Greatest value that means healthy.
    pub max: Option<f64>,
    /// Seconds that one try may take.
    #[serde(default = "half_a_minute")]
    pub timeout: Seconds,
    /// How often a failed try is repeated.
    #[serde(default = "three")]
    #[schemars(range(max = 100))]
    pub retry_count: u32,
}

/// The devices of the environment, enough of which must be online.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicesCheck {
    /// Percentage of the devices that must have been heard of within their poll interval.
    #[serde(default = "most")]
    pub min_online: Percent,
}

pub(crate) fn review(
    checks: &BTreeMap<String, HealthCheck>,
    place: &Place,
    report: &mut Report<'_>,
) {
    for (name, check) in checks {
        check.review(&place.key(name), report);
    }
}

impl HealthCheck {
    fn review(&self, place: &Place, report: &mut Report<'_>) {
        match self {
            Self::Http(check) => {
                if !check.endpoint.starts_with('/') {
                    rules::url(&check.endpoint, rules::HTTP, &place.key("endpoint"), report);
                }
            }
            Self::Mqtt(check) => {
                let schemes = &["mqtt", "mqtts", "ws", "wss"];
                rules::url(&check.broker, schemes, &place.key("broker"), report);
                rules::filled(&check.topic, &place.key("topic"), report);
                if check.topic.contains(['+', '#']) {
                    let message = "must be one topic, without the wildcards `+` and `#`";
                    report.refuse(&place.key("topic"), message);
                }
            }
            Self::Database(check) => {
                let connection = place.key("connection_string");
                super::database::review_connection(&check.connection_string, &connection, report);
                rules::filled(&check.query, &place.key("query"), report);
            }
            Self::Tcp(check) => {
                rules::host_and_port(&check.address, &place.key("address"), report);
            }
            Self::Prometheus(check) => check.review(place, report),
            Self::Devices(DevicesCheck { min_online: _ }) => {}
        }
    }
}

impl PrometheusCheck {
    fn review(&self, place: &Place, report: &mut Report<'_>) {
        rules::url(&self.url, rules::HTTP, &place.key("url"), report);
        rules::filled(&self.query, &place.key("query"), report);
        match (self.min, self.max) {
            (None, None) => report.refuse(place, "needs the key `min` or `max`"),
            (Some(min), Some(max)) if min > max => {
                report.refuse(
                    &place.key("min"),
                    format!("must not be above `max`, which is {max}"),
                );
            }
            (Some(_), _) | (None, Some(_)) => {}
        }
    }
}

fn get() -> HttpMethod {
    HttpMethod::Get
}

fn half_a_minute() -> Seconds {
    Seconds(30)
}

fn ok() -> u16 {
    200
}

fn three() -> u32 {
    3
}

fn select_one() -> String {
    "SELECT 1".to_owned()
}

fn most() -> Percent {
    Percent(95.0)
}
