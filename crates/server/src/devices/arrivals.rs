//! Devices that missed their wave and come back, and devices that say what they are: an execution may have
//! the update for them.

use std::sync::Arc;

use fleetward_store::actions::{RosterRow, roster_of};
use fleetward_store::devices::{self, Device};
use fleetward_store::{StoreError, Tx, comers};

use crate::app::App;

/// Notes that a device came that executions wait for, and wakes those. Its next poll finds the offer,
/// where nothing holds it.
///
/// # Errors
/// The database fails; the device's next poll tries again.
pub async fn note(app: &Arc<App>, device_id: &str, device_key: i64) -> Result<(), StoreError> {
    if !app.roster.arrived(device_id) {
        return Ok(());
    }
    let now = app.clock.now();
    let noted = app
        .store
        .write(move |tx| comers::arrived(tx, &[device_key], now))
        .await;
    match noted {
        Ok(executions) => {
            app.wakes.wake(executions);
            Ok(())
        }
        Err(error) => {
            app.roster.not_arrived(device_id);
            Err(error)
        }
    }
}

/// Has `describe` store what a device says of itself, and lets executions take it in: only now may its
/// hardware be known. Attributes are wanted no longer.
///
/// # Errors
/// The database fails; the device says it again.
pub async fn described(
    app: &Arc<App>,
    device_id: &str,
    describe: impl FnOnce(&Tx<'_>, Device) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let id = device_id.to_owned();
    let write = move |tx: &Tx<'_>| {
        let Some(known) = devices::find(tx, &id)? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let key = known.device_key;
        describe(tx, known)?;
        let joined = comers::join(tx, &id, now)?;
        Ok::<_, StoreError>((joined, roster_of(tx, &[key])?))
    };
    let follower = Arc::clone(app);
    let follow = move |(joined, rows): &(Vec<i64>, Vec<RosterRow>)| {
        follower.roster.refresh(rows);
        follower.wakes.wake(joined.iter().copied());
    };
    app.store.write_then(write, follow).await.map(drop)
}
