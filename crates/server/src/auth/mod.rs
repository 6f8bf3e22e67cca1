//! Who may do what: roles and their rights, API keys, JSON Web Tokens.

pub(crate) mod keys;
mod role;
mod token;

pub use keys::{Keys, generate, hash};
pub use role::{Right, Role};
pub use token::Tokens;

/// Who makes a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Their name in audit entries and approvals.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where the request came from.
    pub source: String,
}
