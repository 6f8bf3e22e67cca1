//! `security`: who may speak to the API, how often, from where, and what is encrypted at rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::{Network, NetworkError};
use super::place::Place;
use super::report::Report;
use super::rules;
use super::values::{Seconds, Secret, on};

/// Access to the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Whether API keys are accepted.
    pub api_key_auth: bool,
    /// Key that JSON Web Tokens are signed with, at least 32 bytes; such tokens are not accepted when left out.
    pub jwt_secret: Option<Secret>,
    /// Limit on the requests of one client; no limit when absent.
    pub rate_limiting: Option<RateLimiting>,
    /// Addresses and networks that may use the API; any when empty.
    pub ip_whitelist: Vec<String>,
    /// Encryption of secrets and firmware at rest; off when absent.
    pub encryption: Option<Encryption>,
    /// Addresses and networks of proxies whose word on the address of a client is believed.
    pub trusted_proxies: Vec<String>,
}

/// How many requests one client may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimiting {
    /// Whether the limit holds.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Requests that are allowed in one window.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_requests: u32,
    /// Length of a window in seconds.
    #[serde(default = "minute")]
    pub window_seconds: Seconds,
}

/// How secrets and firmware are encrypted at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// Whether new data is encrypted.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Algorithm; there is one.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Days after which a new data key is made.
    #[serde(default = "month")]
    #[schemars(range(min = 1, max = 3_650))]
    pub key_rotation_days: u32,
    /// Master key that the data keys are encrypted with: 32 bytes as 64 hexadecimal digits, as `openssl rand -hex 32`
    /// prints them.
    pub key: Option<Secret>,
}

/// An encryption algorithm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// AES with 256-bit keys in Galois/counter mode.
    #[default]
    #[serde(rename = "AES-256-GCM")]
    Aes256Gcm,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            api_key_auth: true,
            jwt_secret: None,
            rate_limiting: None,
            ip_whitelist: Vec::new(),
            encryption: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Security {
    /// The networks of `ip_whitelist`.
    pub fn allowed_networks(&self) -> Vec<Network> {
        networks(&self.ip_whitelist)
    }

    /// The networks of `trusted_proxies`.
    pub fn proxy_networks(&self) -> Vec<Network> {
        networks(&self.trusted_proxies)
    }

    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        rules::filled_secret(self.jwt_secret.as_ref(), &place.key("jwt_secret"), report);
        review_networks(&self.ip_whitelist, &place.key("ip_whitelist"), report);
        review_networks(&self.trusted_proxies, &place.key("trusted_proxies"), report);
        if let Some(key) = self
            .encryption
            .as_ref()
            .and_then(|section| section.key.as_ref())
        {
            let bytes = hex::decode(key.expose().trim()).unwrap_or_default();
            if bytes.len() != 32 {
                let message =
                    "must be 64 hexadecimal digits, as `openssl rand -hex 32` prints them";
                report.refuse(&place.key("encryption").key("key"), message);
            }
        }
    }
}

/// Texts that are no network were refused when the file was checked.
fn networks(texts: &[String]) -> Vec<Network> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn review_networks(texts: &[String], place: &Place, report: &mut Report<'_>) {
    for (index, text) in texts.iter().enumerate() {
        if let Err(error) = text.parse::<Network>() {
            let suggestion = match &error {
                NetworkError::HostBits(network) => Some(network.to_string()),
                NetworkError::Address | NetworkError::Prefix(_) => None,
            };
            report.refuse_but(&place.item(index), error.to_string(), suggestion);
        }
    }
    rules::distinct(texts, place, report);
}

fn hundred() -> u32 {
    100
}

fn minute() -> Seconds {
    Seconds(60)
}

fn month() -> u32 {
    30
}
