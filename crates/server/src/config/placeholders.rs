//! Values that come from an example and were never replaced: `check` warns about them, `serve` refuses those that guard
//! something.

use super::place::Place;
use super::problem::Problem;
use super::report::Report;
use super::tree::{Node, Value};
use super::{Config, Secret};

/// Parts of values in examples, as people copy them.
const SAMPLES: &[&str] = &[
    "your-jwt-secret-key",
    "your-api-key",
    "YOUR_TOKEN",
    "YOUR/SLACK/WEBHOOK",
    "user:pass@",
];

/// Parts of secrets, in small letters, that are well known because examples have them.
const KNOWN_SECRETS: &[&str] = &[
    "your-jwt-secret",
    "your_jwt_secret",
    "your-256-bit-secret",
    "your-secret-key",
    "change-me",
    "change_me",
    "changeme",
    "placeholder",
    "supersecret",
    "0123456789abcdef",
];

/// Fewest bytes of a secret that tokens are signed with.
const LEAST_SECRET_BYTES: usize = 32;

/// Fewest different bytes of such a secret.
const LEAST_DIFFERENT_BYTES: usize = 10;

const MAKE_A_SECRET: &str = "make one with `openssl rand -base64 48`, put it in an environment variable and write \
                             `jwt_secret: ${FLEETWARD_JWT_SECRET}`";

/// What `check` allows and `serve` must refuse, because it would leave the server open or unusable. The problems have no
/// line, as a configuration does not know its file.
pub fn serve_refusals(config: &Config) -> Vec<Problem> {
    let mut refusals = Vec::new();
    match &config.security.jwt_secret {
        Some(secret) => {
            if let Some(reason) = weakness(secret) {
                let message = format!("{reason}; {MAKE_A_SECRET}");
                refusals.push(Problem::without_place("security.jwt_secret", message));
            }
        }
        None if !config.security.api_key_auth => {
            let message = "is false and there is no `jwt_secret`, so nobody could use the API; \
                           set one of them";
            refusals.push(Problem::without_place("security.api_key_auth", message));
        }
        None => {}
    }
    refusals
}

/// Warns about every text under `node` that comes from an example.
pub(crate) fn warn(node: &Node, place: &Place, report: &mut Report<'_>) {
    if let Value::Text { text, .. } = &node.value
        && let Some(sample) = SAMPLES.iter().find(|sample| text.contains(**sample))
    {
        let message = format!("still has `{sample}` of the example; put your own value there");
        report.warn(place, message);
    }
    for (index, item) in node.items().iter().enumerate() {
        warn(item, &place.item(index), report);
    }
    for entry in node.entries() {
        warn(&entry.node, &place.key(&entry.key), report);
    }
}

fn weakness(secret: &Secret) -> Option<String> {
    let text = secret.expose();
    let lowered = text.to_lowercase();
    if KNOWN_SECRETS.iter().any(|known| lowered.contains(known)) {
        return Some("is a secret that examples have and everybody knows".to_owned());
    }
    if text.len() < LEAST_SECRET_BYTES {
        let length = text.len();
        return Some(format!(
            "has {length} bytes and needs at least {LEAST_SECRET_BYTES}"
        ));
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    (bytes.len() < LEAST_DIFFERENT_BYTES)
        .then(|| "repeats too few characters to be random".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Config, Secret, serve_refusals};

    fn refusals(jwt_secret: Option<&str>, api_key_auth: bool) -> Vec<String> {
        let mut config = Config::default();
        config.security.jwt_secret = jwt_secret.map(Secret::new);
        config.security.api_key_auth = api_key_auth;
        serve_refusals(&config)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_random_secret_or_none_is_fine() {
        assert!(refusals(None, true).is_empty());
        let random = "q1Lh3PzJ0yVb8mWc5tXn2RkSd7GfAeUo9iQHv4ZT6sBx";
        assert!(refusals(Some(random), false).is_empty());
    }

    #[test]
    fn known_short_and_repeated_secrets_are_refused() {
        let long_sample = "your-jwt-secret-key".repeat(3);
        let one_letter = "a".repeat(64);
        for secret in ["your-jwt-secret-key", &long_sample, "kX9#vL2p", &one_letter] {
            let refusals = refusals(Some(secret), true);
            assert_eq!(refusals.len(), 1, "{secret}");
            assert!(
                refusals[0].contains("openssl rand -base64 48"),
                "{refusals:?}"
            );
            assert!(!refusals[0].contains(secret), "{refusals:?}");
        }
    }

    #[test]
    fn a_server_that_nobody_can_use_is_refused() {
        let refusals = refusals(None, false);
        assert!(
            refusals[0].starts_with("security.api_key_auth: "),
            "{refusals:?}"
        );
    }
}
