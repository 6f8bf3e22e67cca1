//! Who may do what: roles and their rights, API keys, JSON Web Tokens.

pub(crate) mod keys;
mod role;
mod token;

pub use keys::{Holder, Keys, generate, hash};
pub use role::{Right, Role};
pub use token::Tokens;

/// Who makes a request.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Which key or token they hold; names may be shared, this is not.
    pub id: String,
    /// Their name in audit entries and approvals.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where the request came from.
    pub source: String,
}
