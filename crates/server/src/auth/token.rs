//! JSON Web Tokens signed with the configured secret: HS256 only, `sub`, `role` and `exp` required.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use super::Holder;

/// Checks tokens.
pub struct Tokens {
    key: DecodingKey,
    rules: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    role: String,
}

impl Tokens {
    /// Tokens signed with this secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_required_spec_claims(&["exp", "sub"]);
        rules.validate_nbf = true;
        rules.validate_aud = false;
        rules.leeway = 30;
        Self {
            key: DecodingKey::from_secret(secret.as_bytes()),
            rules,
        }
    }

    /// Whose token this is, when it is one and still works.
    #[must_use]
    pub fn check(&self, token: &str) -> Option<Holder> {
        let claims = decode::<Claims>(token, &self.key, &self.rules).ok()?.claims;
        let role = claims.role.parse().ok()?;
        (!claims.sub.is_empty()).then(|| Holder {
            id: format!("token:{}", claims.sub),
            name: claims.sub,
            role,
        })
    }
}
