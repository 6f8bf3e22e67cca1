//! `notifications`: the channels over which people and programs are told what happens. A channel whose section is absent
//! is off.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;
use super::values::{HttpMethod, Secret, on};

/// The channels that exist.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Notifications {
    /// Mail over an SMTP server.
    pub email: Option<Email>,
    /// Messages in a Slack channel.
    pub slack: Option<Slack>,
    /// An HTTP request to a service of yours.
    pub webhook: Option<Webhook>,
}

/// The name of a channel, where keys such as `notification_channels` refer to one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// `notifications.email`.
    Email,
    /// `notifications.slack`.
    Slack,
    /// `notifications.webhook`.
    Webhook,
}

/// Mail over an SMTP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Whether mail is sent.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Host name of the mail server.
    pub smtp_server: String,
    /// Port of the mail server.
    #[serde(default = "submission")]
    #[schemars(range(min = 1, max = 65535))]
    pub smtp_port: u16,
    /// Whether the connection must be encrypted.
    #[serde(default = "on")]
    pub use_tls: bool,
    /// User name at the mail server; no login when left out.
    pub username: Option<String>,
    /// Password of that user.
    pub password: Option<Secret>,
    /// Address that mail comes from.
    pub from_email: String,
    /// Addresses that mail goes to.
    #[serde(default)]
    pub recipients: Vec<String>,
}

/// Messages in a Slack channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// Whether messages are sent.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Incoming-webhook address that Slack gave you.
    pub webhook_url: Secret,
    /// Channel to write to, in quotes as it begins with `#`; the one of the webhook when left out.
    pub channel: Option<String>,
    /// Name that messages appear under.
    pub username: Option<String>,
    /// Emoji beside that name, such as `:rocket:`.
    pub icon_emoji: Option<String>,
}

/// An HTTP request to a service of yours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Whether requests are sent.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Address of the service.
    pub url: Secret,
    /// Method of the request.
    #[serde(default = "post")]
    pub method: HttpMethod,
    /// Headers of the request, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

impl Notifications {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        if let Some(email) = &self.email {
            email.review(&place.key("email"), report);
        }
        if let Some(slack) = &self.slack {
            let url = place.key("slack").key("webhook_url");
            rules::url(slack.webhook_url.expose(), rules::HTTP, &url, report);
        }
        if let Some(webhook) = &self.webhook {
            webhook.review(&place.key("webhook"), report);
        }
    }
}

impl Email {
    fn review(&self, place: &Place, report: &mut Report<'_>) {
        rules::filled(&self.smtp_server, &place.key("smtp_server"), report);
        if self.smtp_server.contains(['/', ':']) {
            let message = "must be a host name alone; the port goes to `smtp_port`";
            report.refuse(&place.key("smtp_server"), message);
        }
        rules::filled_secret(self.password.as_ref(), &place.key("password"), report);
        if self.password.is_some() && self.username.is_none() {
            report.refuse(&place.key("password"), "needs the key `username` beside it");
        }
        review_address(&self.from_email, &place.key("from_email"), report);
        let recipients = place.key("recipients");
        if self.enabled && self.recipients.is_empty() {
            report.refuse(
                &recipients,
                "needs at least one address while `enabled` is true",
            );
        }
        for (index, address) in self.recipients.iter().enumerate() {
            review_address(address, &recipients.item(index), report);
        }
        rules::distinct(&self.recipients, &recipients, report);
    }
}

impl Webhook {
    fn review(&self, place: &Place, report: &mut Report<'_>) {
        rules::url(self.url.expose(), rules::HTTP, &place.key("url"), report);
        if matches!(self.method, HttpMethod::Get | HttpMethod::Head) {
            let message = "must be `POST`, `PUT` or `PATCH`, which carry a message";
            report.refuse(&place.key("method"), message);
        }
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        for (name, value) in &self.headers {
            let place = place.key("headers").key(name);
            if name.is_empty() || !name.chars().all(token) {
                report.refuse(&place, "is no name that an HTTP header can have");
            }
            if value.expose().chars().any(char::is_control) {
                report.refuse(&place, "must be one line");
            }
        }
    }
}

fn review_address(address: &str, place: &Place, report: &mut Report<'_>) {
    let valid = address
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    if !valid || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        report.refuse(place, "must be a mail address such as `team@example.com`");
    }
}

fn submission() -> u16 {
    587
}

fn post() -> HttpMethod {
    HttpMethod::Post
}
