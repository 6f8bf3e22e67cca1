//! What must be true when nothing more happens by itself.

use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Hold, Outcome, Phase};
use fleetward_core::plan::OfflinePolicy;
use fleetward_server::driver::around;
use fleetward_store::inspect::{self, Change};
use fleetward_store::{StoreError, tallies};

use crate::mirror::Seen;
use crate::scenario::VERSIONS;
use crate::simulation::Simulation;
use crate::violation::{Checked, broken, hold, promise};

pub(crate) fn check(simulation: &Simulation) -> Checked {
    check_rows(simulation)?;
    for (key, seen) in &simulation.mirror.executions {
        check_rest(simulation, *key, seen)?;
        check_way_back(simulation, *key, seen)?;
    }
    check_versions(simulation)?;
    for row in simulation.mirror.outbox.values() {
        let told = row.delivered_at.is_some() && simulation.told.contains(&row.number);
        hold(told, promise::OUTBOX, || format!("{row:?} was never told"))?;
    }
    Ok(())
}

/// The database holds what was followed, and nothing of it was lost in a crash.
fn check_rows(simulation: &Simulation) -> Checked {
    let mirror = &simulation.mirror;
    let all = simulation.store.read_now(inspect::everything);
    let Ok(all) = all else {
        return broken(promise::SOUND, "the database can't be read");
    };
    let (mut members, mut actions, mut messages) = (0, 0, 0);
    for change in all {
        let same = match &change {
            Change::Execution(row) => {
                mirror.executions.get(&row.execution_key).map(|e| &e.row) == Some(row)
            }
            Change::Assignment(row) => {
                members += 1;
                let member = mirror.members.get(&(row.execution_key, row.device_key));
                member.map(|member| &member.row) == Some(row)
            }
            Change::Action(row) => {
                actions += 1;
                mirror.actions.get(&row.action_id) == Some(row)
            }
            Change::Device(row) => mirror.devices.get(&row.device_key) == Some(row),
            Change::Outbox(row) => mirror.outbox.get(&row.number) == Some(row),
            Change::Freeze(row) => mirror.freezes.get(&row.freeze_key) == Some(row),
            Change::Message(row) => {
                messages += usize::from(mirror.messages.contains(&row.detail));
                true
            }
            Change::Decision(_)
            | Change::Audit(_)
            | Change::Tally(_)
            | Change::Kept(_)
            | Change::Domain(_)
            | Change::Lease(_) => true,
        };
        hold(same, promise::KEPT, || {
            format!("{change:?} is not what was written")
        })?;
    }
    let whole = members == mirror.members.len()
        && actions == mirror.actions.len()
        && messages >= mirror.messages.len();
    hold(whole, promise::KEPT, || {
        "rows that were written are gone".to_owned()
    })
}

/// Over, or waiting for somebody who is named.
fn check_rest(simulation: &Simulation, key: i64, seen: &Seen) -> Checked {
    let now = simulation.clock();
    let around_and_census = |tx: &fleetward_store::Tx<'_>| {
        let census = tallies::census(tx, key, seen.rollout.waves.len())?;
        let of = (key, seen.row.environment.as_str());
        let around = around(tx, &simulation.config, of, &seen.rollout, now)?;
        Ok::<_, StoreError>((census, around))
    };
    let Ok((census, around)) = simulation.store.read_now(around_and_census) else {
        return broken(promise::SOUND, "the database can't be read");
    };
    let next = seen.rollout.next_wakeup(&census, &around, now);
    let later = next.is_some_and(|(at, _)| at > now);
    let hold_now = seen.rollout.hold(&census, &around, now);
    let awaited = simulation
        .mirror
        .members_of(key)
        .any(|member| member.row.status == DeviceStatus::Released && member.row.deadline.is_none());
    let waits = seen.rollout.order.offline_policy == OfflinePolicy::Wait && awaited;
    let others = simulation
        .mirror
        .executions
        .iter()
        .any(|(other, seen)| *other != key && seen.outcome.is_none());
    let named = match &seen.rollout.phase {
        Phase::Finished { .. } | Phase::Halted { .. } => true,
        Phase::RollingBack { way, .. } => way.held,
        Phase::Queued
        | Phase::Releasing { .. }
        | Phase::Staging { .. }
        | Phase::Verifying { .. }
        | Phase::Observing { .. }
        | Phase::Cancelling { .. } => match &hold_now {
            Some(Hold::Freeze(freeze)) => freeze.until.is_none(),
            Some(Hold::Window { opens_at }) => opens_at.is_none(),
            Some(Hold::Schedule { .. }) => true,
            Some(Hold::Queue(_)) => others,
            Some(Hold::BlastRadius { .. }) => others || waits,
            Some(
                Hold::Doubt { .. }
                | Hold::InFlight { .. }
                | Hold::Rate { .. }
                | Hold::Spread { .. },
            )
            | None => waits,
        },
    };
    hold(named, promise::LIVENESS, || {
        format!(
            "execution {key} is {:?} at {now}, held by {hold_now:?}, looked at again {next:?} (later: {later}): {:?}",
            seen.rollout.phase, seen.counts
        )
    })?;
    let open = simulation.mirror.members_of(key).find(|member| {
        seen.outcome
            .is_some_and(|outcome| outcome != Outcome::Succeeded)
            && !member.row.status.is_final()
    });
    hold(open.is_none(), promise::ENDS, || {
        let row = open.map(|member| &member.row);
        format!(
            "execution {key} is over ({:?}) and {row:?} is not",
            seen.outcome
        )
    })
}

/// After a rollback every device that runs what it brought was told to go back, or is named.
fn check_way_back(simulation: &Simulation, key: i64, seen: &Seen) -> Checked {
    if !matches!(
        seen.outcome,
        Some(Outcome::RolledBack | Outcome::RollbackIncomplete)
    ) {
        return Ok(());
    }
    for member in simulation.mirror.members_of(key) {
        let Some(device) = simulation
            .by_key
            .get(&member.row.device_key)
            .map(|n| &simulation.fleet[*n])
        else {
            continue;
        };
        // One that only passed a version on its way did not take the update.
        if device.brought_by != Some(key)
            || device.version != VERSIONS[seen.row.firmware_key as usize - 1]
        {
            continue;
        }
        let known = match member.row.status {
            DeviceStatus::RollbackFailed => true,
            // It said so only after the end, and is known to run it.
            DeviceStatus::Succeeded => true,
            DeviceStatus::RolledBack => false,
            DeviceStatus::Pending
            | DeviceStatus::Released
            | DeviceStatus::Downloading
            | DeviceStatus::Installing
            | DeviceStatus::Rebooting
            | DeviceStatus::Verifying
            | DeviceStatus::Failed
            | DeviceStatus::RollingBack
            | DeviceStatus::Skipped
            | DeviceStatus::Cancelled
            | DeviceStatus::TimedOut => member.recalled,
        };
        hold(known, promise::WAY_BACK, || {
            format!(
                "{} runs {} of execution {key}: {:?}",
                device.character.id, device.version, member.row
            )
        })?;
    }
    Ok(())
}

/// The server knows what each device runs that could say so.
fn check_versions(simulation: &Simulation) -> Checked {
    for device in &simulation.fleet {
        let row = device
            .key
            .and_then(|key| simulation.mirror.devices.get(&key));
        let Some(row) = row else { continue };
        let spoke = device.saying.is_empty()
            && device.work.is_none()
            && device.reachable(simulation.now).is_some();
        let same = row.version == device.version || device.version.is_empty();
        hold(same || !spoke, promise::VERSIONS, || {
            format!(
                "{} runs {}, and is taken to run {}",
                device.character.id, device.version, row.version
            )
        })?;
    }
    let late = simulation
        .mirror
        .members
        .values()
        .filter(|member| member.row.class == Class::Absent);
    for member in late {
        hold(!member.row.status.in_flight(), promise::LIVENESS, || {
            format!("{:?}", member.row)
        })?;
    }
    Ok(())
}
