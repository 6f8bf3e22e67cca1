//! What is known of the programs that speak for devices.

use axum::http::{HeaderMap, header};

const NAME_MAX: usize = 100;

/// How the program names itself.
pub(crate) fn name(headers: &HeaderMap) -> String {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    agent.unwrap_or_default().chars().take(NAME_MAX).collect()
}

/// Whether the program is known to fill a slot without switching to it when it is told `update: skip`.
/// SWUpdate reports a skip as a success, and Zephyr does not read it, so silence means no.
pub(crate) fn can_stage(client: &str) -> bool {
    client.starts_with("rauc-hawkbit")
}
