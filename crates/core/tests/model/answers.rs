//! Whether every device has its answer to "why is it not updated?", and one that fits.

use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{DeviceFacts, Why, WhyDevice};
use fleetward_core::rehearsal::{Device, Rehearsal};

/// After everything that is due at an instant was done.
pub(crate) fn check(rehearsal: &Rehearsal, device: &Device) {
    let (rollout, world) = (rehearsal.rollout(), rehearsal.world());
    let zone = &world.census().zones[usize::from(device.behaviour().zone)];
    let facts = DeviceFacts {
        status: device.status,
        class: device.class,
        wave: device.wave,
        failure: device.failure,
        retry_at: device.retry_at(),
        deadline: device.deadline(),
        attempts: device.offers,
        stones_left: 0,
        zone: (!zone.is_empty()).then(|| zone.clone()),
        last_seen_at: None,
        can_stage: device.behaviour().can_stage,
    };
    let (census, around, now) = (world.census(), rehearsal.around(), rehearsal.now());
    let why = rollout.why_device(&facts, census, around, now);
    let name = why.name();
    assert!(fits(device, name), "{name}: {device:?}");
    assert!(!why.to_string().is_empty());
    let waves = &rollout.waves;
    let open = waves
        .get(device.wave.position())
        .is_some_and(|wave| wave.released_at.is_some());
    assert_eq!(
        name == "waits_for_wave",
        device.status == DeviceStatus::Pending && device.class == Class::OnTime && !open
    );
    let due = because(&why) == Some(&Why::Due);
    assert!(
        !due,
        "nothing keeps it from {device:?}, and it has not got it: {why}"
    );
}

fn fits(device: &Device, name: &str) -> bool {
    let stopped = "stragglers_stopped";
    let names: &[&str] = match (device.status, device.class) {
        (DeviceStatus::Pending, Class::OnTime) => &[
            "waits_for_wave",
            "waits_for_turn",
            "waits_for_retry",
            "waits_for_switch",
        ],
        (DeviceStatus::Pending, Class::Absent) => &["has_not_come", stopped],
        (DeviceStatus::Pending, Class::Arrived) => &["came_late", "waits_for_retry", stopped],
        (DeviceStatus::Pending, Class::Joined) => &["joined", "waits_for_retry", stopped],
        (DeviceStatus::Released, _) => &["offered"],
        (DeviceStatus::Downloading | DeviceStatus::Installing | DeviceStatus::Rebooting, _) => {
            &["under_way"]
        }
        (DeviceStatus::Verifying, _) => &["waits_for_switch"],
        (DeviceStatus::Succeeded, _) => &["updated"],
        (DeviceStatus::Failed, _) => &["failed"],
        (DeviceStatus::RollingBack, _) => &["going_back"],
        (DeviceStatus::RolledBack, _) => &["rolled_back"],
        (DeviceStatus::RollbackFailed, _) => &["rollback_failed"],
        (DeviceStatus::Skipped, _) => &["skipped"],
        (DeviceStatus::Cancelled, _) => &["cancelled", stopped],
        (DeviceStatus::TimedOut, _) => &["timed_out"],
    };
    names.contains(&name)
}

fn because(why: &WhyDevice) -> Option<&Why> {
    match why {
        WhyDevice::WaitsForWave { because, .. }
        | WhyDevice::WaitsForTurn { because }
        | WhyDevice::WaitsForNextVersion { because, .. }
        | WhyDevice::WaitsForSwitch { because, .. }
        | WhyDevice::CameLate { because }
        | WhyDevice::Joined { because }
        | WhyDevice::Cancelled { because } => Some(because),
        WhyDevice::Updated
        | WhyDevice::WaitsForRetry { .. }
        | WhyDevice::HasNotCome { .. }
        | WhyDevice::StragglersStopped
        | WhyDevice::Offered { .. }
        | WhyDevice::UnderWay { .. }
        | WhyDevice::Failed { .. }
        | WhyDevice::TimedOut { .. }
        | WhyDevice::GoingBack { .. }
        | WhyDevice::RolledBack { .. }
        | WhyDevice::RollbackFailed { .. }
        | WhyDevice::Skipped => None,
    }
}
