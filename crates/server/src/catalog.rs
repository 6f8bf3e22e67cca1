//! Firmware facts in memory, so that offering an update reads no database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use fleetward_store::firmware::{Firmware, by_key};
use fleetward_store::{Store, StoreError};

/// Versions that devices were offered lately.
#[derive(Default)]
pub struct Catalog(RwLock<HashMap<i64, Arc<Firmware>>>);

impl Catalog {
    /// The facts of a version.
    ///
    /// # Errors
    /// The database fails.
    pub async fn find(
        &self,
        store: &Store,
        firmware_key: i64,
    ) -> Result<Option<Arc<Firmware>>, StoreError> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&firmware_key)
            .cloned();
        if known.is_some() {
            return Ok(known);
        }
        let found = store
            .read(move |tx| by_key(tx, firmware_key))
            .await?
            .map(Arc::new);
        if let Some(found) = &found {
            let mut catalog = self.0.write().unwrap_or_else(PoisonError::into_inner);
            catalog.insert(firmware_key, Arc::clone(found));
        }
        Ok(found)
    }

    /// Has the facts read again.
    pub fn forget(&self, firmware_key: i64) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&firmware_key);
    }
}
