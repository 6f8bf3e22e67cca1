//! API keys: 256 random bits behind a short id, kept as hashes. All of them are held in memory, so
//! that a request costs no database access.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use fleetward_core::Timestamp;
use fleetward_store::keys::ApiKey;
use rand::TryRng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Role;

/// The keys that are known.
#[derive(Default)]
pub struct Keys(RwLock<HashMap<String, Known>>);

#[derive(Clone)]
struct Known {
    name: String,
    role: Role,
    hash: [u8; 32],
    expires_at: Option<Timestamp>,
}

/// Who holds a key or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What they hold.
    pub id: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// A new random key: its id and the whole.
///
/// # Panics
/// When the operating system has no randomness.
#[must_use]
pub fn generate() -> (String, String) {
    let mut bytes = [0u8; 37];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .expect("the operating system gives random bytes");
    let id = hex::encode(&bytes[..5]);
    let key = format!("fw_{id}_{}", hex::encode(&bytes[5..]));
    (id, key)
}

/// What is stored of a secret with as much randomness as a key.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

impl Keys {
    /// Takes over a key, unless it was revoked.
    pub fn add(&self, key: &ApiKey) {
        let Ok(role) = key.role.parse() else { return };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if key.revoked_at.is_some() {
            known.remove(&key.key_id);
            return;
        }
        let entry = Known {
            name: key.name.clone(),
            role,
            hash: key.hash,
            expires_at: key.expires_at,
        };
        known.insert(key.key_id.clone(), entry);
    }

    /// Forgets a key.
    pub fn remove(&self, key_id: &str) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key_id);
    }

    /// Whose key this is, when it is one and still works.
    #[must_use]
    pub fn check(&self, presented: &str, now: Timestamp) -> Option<Holder> {
        let presented_hash = hash(presented);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let named = presented
            .strip_prefix("fw_")
            .and_then(|rest| rest.split_once('_'));
        // A key set from outside has no id of ours in it.
        let id = named.map(|(id, _)| id).filter(|id| known.contains_key(*id));
        let id = id.unwrap_or(CHOSEN);
        let found = known.get(id)?;
        let same: bool = found.hash.ct_eq(&presented_hash).into();
        let alive = found.expires_at.is_none_or(|at| at > now);
        (same && alive).then(|| Holder {
            id: id.to_owned(),
            name: found.name.clone(),
            role: found.role,
        })
    }
}

/// The id of the key that was set from outside at the first start.
pub(crate) const CHOSEN: &str = "bootstrap";

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(key_id: &str, key: &str) -> ApiKey {
        ApiKey {
            key_id: key_id.into(),
            name: "ci".into(),
            role: "operator".into(),
            hash: hash(key),
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "ann".into(),
            expires_at: Timestamp::from_second(100).ok(),
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_works_until_it_expires_or_is_revoked() {
        let keys = Keys::default();
        let (id, key) = generate();
        let mut row = stored(&id, &key);
        keys.add(&row);
        let at = |second| Timestamp::from_second(second).unwrap();
        let holder = keys.check(&key, at(99)).unwrap();
        assert_eq!(
            (holder.id, holder.name, holder.role),
            (id.clone(), "ci".to_owned(), Role::Operator)
        );
        assert_eq!(keys.check(&key, at(100)), None);
        assert_eq!(keys.check(&key[..key.len() - 1], at(99)), None);
        assert_eq!(keys.check("", at(99)), None);
        row.revoked_at = Some(at(50));
        keys.add(&row);
        assert_eq!(keys.check(&key, at(99)), None);
    }
}
