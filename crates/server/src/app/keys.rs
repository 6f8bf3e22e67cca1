//! API keys: making, listing and revoking them.

use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::seconds::Seconds;
use fleetward_store::keys::{self, ApiKey};
use fleetward_store::{StoreError, Tx};

use super::{Aftermath, App, AppError, Call, Done, views};
use crate::api::types::{KeyView, NewKeyRequest, NewKeyView};
use crate::auth::keys::CHOSEN;
use crate::auth::{self, Right, Role};

/// Names that the server itself has in audit entries and approvals.
const OURS: [&str; 3] = ["engine", "policy", "emergency"];

impl App {
    /// Makes a key. It is shown in this answer and never again.
    ///
    /// # Errors
    /// The caller may not, or the key can't be.
    pub async fn create_key(
        self: &Arc<Self>,
        call: &Call,
        request: NewKeyRequest,
    ) -> Result<NewKeyView, AppError> {
        call.needs(Right::Keys)?;
        let role: Role = request
            .role
            .parse()
            .map_err(|error: String| AppError::invalid("role", error))?;
        if request.name.trim().is_empty() || request.name.len() > 100 {
            return Err(AppError::invalid("name", "use 1 to 100 characters"));
        }
        if OURS.contains(&request.name.as_str()) {
            let message = "this name is the server's own in the audit: use another";
            return Err(AppError::invalid("name", message));
        }
        if request
            .expires_in_days
            .is_some_and(|days| days == 0 || days > 3650)
        {
            return Err(AppError::invalid(
                "expires_in_days",
                "use 1 to 3650 days, or leave it out",
            ));
        }
        let (key_id, key) = auth::generate();
        let lifetime = request.expires_in_days.map(|days| Seconds(days * 86_400));
        let row = ApiKey {
            key_id,
            name: request.name,
            role: role.name().to_owned(),
            hash: auth::hash(&key),
            created_at: call.now,
            created_by: call.principal.name.clone(),
            expires_at: lifetime.map(|lifetime| lifetime.after(call.now)),
            revoked_at: None,
        };
        let work = move |tx: &Tx<'_>, call: &Call| {
            keys::insert(tx, &row)?;
            let value = views::key(&row, call.now);
            call.audit(tx, "key.create", &row.key_id, &value)?;
            let aftermath = Aftermath {
                key_made: Some(row),
                ..Aftermath::default()
            };
            Ok(Done { value, aftermath })
        };
        // A repeat can't show the key again, so a key is never made under an Idempotency-Key.
        let call = Call {
            idempotency: None,
            ..call.clone()
        };
        let view = self.command(&call, Right::Keys, work).await?;
        Ok(NewKeyView { view, key })
    }

    /// Revokes a key at once.
    ///
    /// # Errors
    /// The caller may not, or there is no such key in use.
    pub async fn revoke_key(self: &Arc<Self>, call: &Call, key_id: String) -> Result<(), AppError> {
        let work = move |tx: &Tx<'_>, call: &Call| {
            if !keys::revoke(tx, &key_id, call.now)? {
                return Err(AppError::not_found("active key", &key_id));
            }
            call.audit(tx, "key.revoke", &key_id, &())?;
            let aftermath = Aftermath {
                key_revoked: Some(key_id),
                ..Aftermath::default()
            };
            Ok(Done {
                value: (),
                aftermath,
            })
        };
        self.command(call, Right::Keys, work).await
    }

    /// All keys, without their secrets.
    ///
    /// # Errors
    /// The caller may not, or the database fails.
    pub async fn list_keys(&self, call: &Call) -> Result<Vec<KeyView>, AppError> {
        call.needs(Right::Keys)?;
        let found = self.store.read(keys::list).await?;
        Ok(found.iter().map(|key| views::key(key, call.now)).collect())
    }

    /// Fills the memory of keys, and makes the first admin key where there is none: the one given, or a
    /// new one, which is answered.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn load_keys(
        &self,
        given: Option<String>,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut known = self.store.read(keys::list).await?;
        let mut shown = None;
        let missing = match &given {
            Some(key) => known.iter().all(|row| row.hash != auth::hash(key)),
            None => known.is_empty(),
        };
        if missing {
            let (key_id, key) = match given {
                Some(key) => (CHOSEN.to_owned(), key),
                None => auth::generate(),
            };
            let row = first_key(key_id.clone(), &key, now);
            shown = (key_id != CHOSEN).then_some(key);
            known.retain(|old| old.key_id != row.key_id);
            known.push(row.clone());
            self.store.write(move |tx| keys::replace(tx, &row)).await?;
        }
        known.iter().for_each(|key| self.keys.add(key));
        Ok(shown)
    }
}

fn first_key(key_id: String, key: &str, now: Timestamp) -> ApiKey {
    ApiKey {
        key_id,
        name: "admin".to_owned(),
        role: Role::Admin.name().to_owned(),
        hash: auth::hash(key),
        created_at: now,
        created_by: "first start".to_owned(),
        expires_at: None,
        revoked_at: None,
    }
}
