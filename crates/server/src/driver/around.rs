//! What holds outside an execution, read in the transaction that decides.

use fleetward_core::Timestamp;
use fleetward_core::engine::{Freeze, Phase, Rollout, Surroundings};
use fleetward_store::queue::{self, Slots};
use fleetward_store::{StoreError, Tx};

use crate::app::freezes::in_force;
use crate::config::Config;

/// What holds around one execution of an environment.
///
/// # Errors
/// The database fails.
pub fn around(
    tx: &Tx<'_>,
    config: &Config,
    (execution_key, environment): (i64, &str),
    rollout: &Rollout,
    now: Timestamp,
) -> Result<Surroundings, StoreError> {
    let freeze = if rollout.overrides_freeze {
        None
    } else {
        in_force(config, tx, environment, now)?
    };
    let queue = if rollout.phase == Phase::Queued {
        queue::place(tx, execution_key, &slots(config), now)?
    } else {
        None
    };
    let unproven_elsewhere = match rollout.order.blast_radius {
        Some(_) => queue::unproven_elsewhere(tx, execution_key, environment)?,
        None => 0,
    };
    Ok(Surroundings {
        freeze: freeze.map(|freeze| Freeze {
            reason: freeze.reason,
            until: freeze.until,
        }),
        queue,
        unproven_elsewhere,
    })
}

fn slots(config: &Config) -> Slots {
    let environments = config.environments.iter();
    let limits = environments.filter_map(|(key, environment)| {
        let limit = environment.max_concurrent_deployments?;
        Some((key.clone(), u64::from(limit)))
    });
    Slots {
        everywhere: Some(u64::from(config.performance.max_concurrent_deployments)),
        environments: limits.collect(),
    }
}
