//! How this program was called, for lines that people are meant to copy.

/// The program as it was typed, such as `fleetward` or `target/debug/fleetward`.
pub(crate) fn name() -> String {
    std::env::args()
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "fleetward".to_owned())
}
