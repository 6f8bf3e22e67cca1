//! The frame of every use case that changes something.

use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_store::actions::RosterRow;
use fleetward_store::idempotency::{self, Earlier};
use fleetward_store::keys::ApiKey;
use fleetward_store::{StoreError, Tx, audit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{App, AppError};
use crate::auth::{Principal, Right};

/// One request: who, when, and whether it may be a repeat.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who makes it.
    pub principal: Principal,
    /// When.
    pub now: Timestamp,
    /// The caller's way of saying that two requests are one.
    pub idempotency: Option<Idempotency>,
}

/// A key that makes a repeated request harmless.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// Digest of method, path and body.
    pub request: String,
}

/// What a use case answers, and what must follow it in memory once it is on the disk.
pub struct Done<T> {
    /// The answer.
    pub value: T,
    /// What must follow.
    pub aftermath: Aftermath,
}

/// What must follow a change in memory.
#[derive(Debug, Default)]
pub struct Aftermath {
    /// Devices as they are now.
    pub roster: Vec<RosterRow>,
    /// Executions to look at.
    pub wake: Vec<i64>,
    /// Firmware whose facts changed.
    pub firmware: Vec<i64>,
    /// A key that works from now on.
    pub key_made: Option<ApiKey>,
    /// The id of a key that works no longer.
    pub key_revoked: Option<String>,
}

impl<T> From<T> for Done<T> {
    fn from(value: T) -> Self {
        Self {
            value,
            aftermath: Aftermath::default(),
        }
    }
}

impl Call {
    /// Refuses unless the caller has this right.
    ///
    /// # Errors
    /// The role lacks it.
    pub fn needs(&self, right: Right) -> Result<(), AppError> {
        let role = self.principal.role;
        if role.may(right) {
            Ok(())
        } else {
            Err(AppError::Forbidden { role, right })
        }
    }

    /// Writes the audit entry of this call.
    ///
    /// # Errors
    /// The database fails.
    pub fn audit(
        &self,
        tx: &Tx<'_>,
        action: &str,
        object: &str,
        detail: &impl Serialize,
    ) -> Result<(), StoreError> {
        let Principal { name, source, .. } = &self.principal;
        audit::write(
            tx,
            &audit::Entry {
                actor: name,
                source,
                action,
                object,
            },
            detail,
            self.now,
        )
    }

    fn earlier<T: DeserializeOwned>(&self, tx: &Tx<'_>) -> Result<Option<T>, AppError> {
        let Some(given) = &self.idempotency else {
            return Ok(None);
        };
        let found = idempotency::find(tx, &self.principal.id, &given.key)?;
        let Some(Earlier { request, response }) = found else {
            return Ok(None);
        };
        if request != given.request {
            return Err(AppError::KeyReused);
        }
        let answer = serde_json::from_str(&response);
        Ok(Some(answer.map_err(|_| StoreError::Damaged {
            what: "a kept answer".into(),
        })?))
    }

    fn keep(&self, tx: &Tx<'_>, value: &impl Serialize) -> Result<(), AppError> {
        let Some(given) = &self.idempotency else {
            return Ok(());
        };
        let response = serde_json::to_string(value).map_err(|error| StoreError::Damaged {
            what: error.to_string(),
        })?;
        let answer = Earlier {
            request: given.request.clone(),
            response,
        };
        Ok(idempotency::keep(
            tx,
            &self.principal.id,
            &given.key,
            &answer,
            self.now,
        )?)
    }
}

impl App {
    /// Runs a use case: checks the right, answers a repeat as before, keeps all of it or nothing, and
    /// lets memory follow the disk.
    ///
    /// # Errors
    /// What `work` returns, or why it did not run.
    pub async fn command<T>(
        self: &Arc<Self>,
        call: &Call,
        right: Right,
        work: impl FnOnce(&Tx<'_>, &Call) -> Result<Done<T>, AppError> + Send + 'static,
    ) -> Result<T, AppError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        call.needs(right)?;
        let call = call.clone();
        let run = move |tx: &Tx<'_>| {
            if let Some(answer) = call.earlier::<T>(tx)? {
                return Ok(Done::from(answer));
            }
            let done = work(tx, &call)?;
            call.keep(tx, &done.value)?;
            Ok::<_, AppError>(done)
        };
        let app = Arc::clone(self);
        let done = self
            .store
            .write_then(run, move |done| app.follow(&done.aftermath))
            .await?;
        Ok(done.value)
    }

    fn follow(&self, aftermath: &Aftermath) {
        self.roster.refresh(&aftermath.roster);
        aftermath
            .firmware
            .iter()
            .for_each(|key| self.catalog.forget(*key));
        if let Some(key) = &aftermath.key_made {
            self.keys.add(key);
        }
        if let Some(key_id) = &aftermath.key_revoked {
            self.keys.remove(key_id);
        }
        self.wakes.wake(aftermath.wake.iter().copied());
        self.wakes.told();
    }
}
