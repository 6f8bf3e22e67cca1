//! What simulated devices prove their identity with. Not in here: client certificates.

use std::fmt;
use std::sync::Arc;

type TokenOf = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// What devices prove their identity with.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// The same device token for all.
    TargetToken(String),
    /// A token for each device, by its name.
    TargetTokenOf(TokenOf),
    /// The tenant's gateway token.
    GatewayToken(String),
}

impl Credentials {
    /// The value of the Authorization header.
    pub(super) fn authorization(&self, id: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::TargetToken(token) => Some(format!("TargetToken {token}")),
            Self::TargetTokenOf(token_of) => Some(format!("TargetToken {}", token_of(id))),
            Self::GatewayToken(token) => Some(format!("GatewayToken {token}")),
        }
    }
}

impl fmt::Debug for Credentials {
    /// Names the kind and keeps the token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "None",
            Self::TargetToken(_) => "TargetToken(…)",
            Self::TargetTokenOf(_) => "TargetTokenOf(…)",
            Self::GatewayToken(_) => "GatewayToken(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn tokens_stay_out_of_debug_output() {
        let credentials = Credentials::GatewayToken("hidden".to_owned());
        assert!(!format!("{credentials:?}").contains("hidden"));
    }
}
