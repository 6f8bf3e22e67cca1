//! Where a history may come to rest.

use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Hold, Outcome, Phase};
use fleetward_core::plan::OfflinePolicy;
use fleetward_core::rehearsal::Rehearsal;

use super::story::Story;
use super::watcher::rests;

/// Nothing stays open without a reason that people can see.
pub(crate) fn check(story: &Story, rehearsal: &Rehearsal) {
    let (rollout, census) = (rehearsal.rollout(), rehearsal.world().census());
    let around = rehearsal.around();
    let hold = rollout.hold(census, around, rehearsal.now());
    let held = match &hold {
        Some(Hold::Queue(_) | Hold::Freeze(_) | Hold::Window { opens_at: None }) => true,
        Some(Hold::BlastRadius { .. }) => around.unproven_elsewhere > 0,
        Some(
            Hold::Schedule { .. }
            | Hold::Window { .. }
            | Hold::Doubt { .. }
            | Hold::InFlight { .. }
            | Hold::Rate { .. }
            | Hold::Spread { .. },
        )
        | None => false,
    };
    let waits = story.plan.offline_policy == OfflinePolicy::Wait
        && census.count(DeviceStatus::Released) > 0;
    let why = || {
        format!(
            "{:?} with {hold:?}: {:?}",
            rollout.phase,
            rehearsal.transcript().last()
        )
    };
    assert!(rests(rollout) || held || waits, "{}", why());
    let succeeded = matches!(
        rollout.phase,
        Phase::Finished {
            outcome: Outcome::Succeeded,
            ..
        }
    );
    if succeeded && !held {
        for device in rehearsal.world().devices() {
            let forgotten = device.status == DeviceStatus::Pending && device.class != Class::Absent;
            assert!(!forgotten, "{device:?}: {}", why());
        }
    }
}
