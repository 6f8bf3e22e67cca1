//! One row for every answer.

use serde_json::json;

use super::*;
use crate::Timestamp;
use crate::device::{Class, DeviceStatus, FailureKind};
use crate::engine::{
    Cause, Census, Freeze, HaltReason, Outcome, Phase, Position, Queue, Rollout, Slot,
    Surroundings, Tally, WayBack,
};
use crate::ids::WaveIndex;
use crate::judge::Verdict;
use crate::plan::Plan;
use crate::seconds::Seconds;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn later(seconds: u32) -> Timestamp {
    Seconds(seconds).after(NOW)
}

/// Two waves of ten; the first is being observed, two of its devices are through.
fn rollout(strategy: &str) -> (Rollout, Census) {
    let plan: Plan = serde_json::from_value(json!({
        "name": "Rollout", "firmware_version": "2", "target_environment": "field",
        "strategy": strategy, "rollout_percentage": 100, "canary_percentage": 50,
        "canary_steps": [100], "batch_percentage": 50, "monitor_seconds": 300,
        "rollback_criteria": {}, "auto_rollback": true, "device_timeout": 3600,
        "rollback_timeout": 1800, "offline_policy": "late", "dynamic": true,
    }))
    .unwrap();
    let mut rollout = Rollout::new(&plan, &[10, 10]);
    rollout.started_at = Some(NOW);
    rollout.waves[0].released_at = Some(NOW);
    rollout.phase = Phase::Observing { wave: WaveIndex(0) };
    let mut census = Census {
        waves: vec![Tally::default(); 2],
        ..Census::default()
    };
    let on_time = |status| Slot::new(status, Class::OnTime);
    census.waves[0].add(on_time(DeviceStatus::Succeeded), 2);
    census.waves[0].add(on_time(DeviceStatus::Released), 8);
    census.waves[1].add(on_time(DeviceStatus::Pending), 10);
    (rollout, census)
}

fn facts(status: DeviceStatus) -> DeviceFacts {
    DeviceFacts {
        status,
        class: Class::OnTime,
        wave: WaveIndex(0),
        failure: None,
        retry_at: None,
        deadline: Some(later(3600)),
        attempts: 1,
        stones_left: 0,
        zone: None,
        last_seen_at: None,
        can_stage: true,
    }
}

fn halted(reason: HaltReason) -> Phase {
    Phase::Halted {
        reason,
        at: NOW,
        resume: Position::Observing { wave: WaveIndex(0) },
    }
}

fn going_back(held: bool) -> Phase {
    Phase::RollingBack {
        cause: Cause::Operator { by: "ann".into() },
        at: NOW,
        way: WayBack {
            held,
            ..WayBack::default()
        },
    }
}

fn finished(outcome: Outcome) -> Phase {
    Phase::Finished {
        outcome,
        cause: None,
        at: NOW,
    }
}

#[track_caller]
fn says(why: &Why, name: &str, text: &str, remedy: Option<&str>) {
    assert_eq!(why.name(), name);
    assert_eq!(why.to_string(), text);
    assert_eq!(why.remedy().as_deref(), remedy);
    let json = serde_json::to_value(why).unwrap();
    assert_eq!(json["why"], name);
}

#[test]
fn an_execution_on_its_way() {
    let (mut rollout, mut census) = rollout("canary");
    let around = Surroundings::default();
    let why = |rollout: &Rollout, census: &Census| rollout.why(census, &around, NOW);
    let text = "devices of wave 1 are not through: 0 failed and 2 succeeded of 10, 8 not through";
    says(&why(&rollout, &census), "waiting", text, None);
    rollout.waves[0].settled_at = Some(NOW);
    let text = "wave 1 is through and is watched until 1970-01-01T00:05:00Z: \
                0 failed and 2 succeeded of 10, 8 not through";
    says(&why(&rollout, &census), "watching", text, None);
    rollout.waves[0].verdict = Some(Verdict::Pass);
    let text = "every wave has its verdict; 18 devices are not through";
    says(&why(&rollout, &census), "last_devices", text, None);
    rollout.phase = Phase::Releasing { wave: WaveIndex(1) };
    let text = "nothing holds it: the next step is due";
    says(&why(&rollout, &census), "due", text, None);
    rollout.order.blast_radius = Some(5);
    let text =
        "8 devices of the environment are not proven, 10 more would pass the blast radius of 5";
    let remedy =
        "it goes on when waves under way have passed; raise blast_radius to risk more devices";
    says(&why(&rollout, &census), "held", text, Some(remedy));
    // A straggler that is held up does not hold up the waves.
    rollout.phase = Phase::Observing { wave: WaveIndex(0) };
    rollout.waves[0].verdict = None;
    let arrived = Slot::new(DeviceStatus::Pending, Class::Arrived);
    census.waves[0].add(arrived, 1);
    assert_eq!(why(&rollout, &census).name(), "watching");
}

#[test]
fn what_holds_an_execution_is_named() {
    let (mut rollout, census) = rollout("canary");
    rollout.phase = Phase::Queued;
    let queue = Queue {
        ahead: 2,
        running: 1,
        limit: 1,
        environment: None,
    };
    let around = Surroundings {
        queue: Some(queue),
        ..Surroundings::default()
    };
    let why = rollout.why(&census, &around, NOW);
    let json = serde_json::to_value(&why).unwrap();
    assert_eq!(
        json,
        json!({"why": "held", "hold": "queue", "ahead": 2, "running": 1, "limit": 1})
    );
    rollout.starts_at = Some(later(60));
    let json = serde_json::to_value(rollout.why(&census, &around, NOW)).unwrap();
    assert_eq!(json["hold"], "schedule");
}

#[test]
fn an_execution_that_stopped_says_why_and_what_to_do() {
    let (mut rollout, census) = rollout("canary");
    let numbers = rollout.numbers(WaveIndex(0), &census);
    let wave = WaveIndex(0);
    let by = String::from("ann");
    let reasons = [
        HaltReason::Paused { by: by.clone() },
        HaltReason::Inconclusive { wave, numbers },
        HaltReason::Doubt { wave, numbers },
        HaltReason::WavePassed { wave },
        HaltReason::FirmwareWithdrawn { by },
        HaltReason::OutOfTime { limit: Seconds(9) },
    ];
    let around = Surroundings::default();
    for reason in reasons {
        let text = format!("waiting for an operator: {reason}");
        let remedy = reason.remedy();
        rollout.phase = halted(reason);
        says(
            &rollout.why(&census, &around, NOW),
            "halted",
            &text,
            Some(remedy),
        );
    }
    rollout.phase = going_back(false);
    let text = "devices go back (asked by ann): 2 are yet to be told, 0 have not answered, 0 were asked to stop";
    says(
        &rollout.why(&census, &around, NOW),
        "rolling_back",
        text,
        None,
    );
    rollout.phase = going_back(true);
    assert!(rollout.why(&census, &around, NOW).remedy().is_some());
    rollout.phase = finished(Outcome::Succeeded);
    says(
        &rollout.why(&census, &around, NOW),
        "finished",
        "finished: succeeded",
        None,
    );
    rollout.phase = finished(Outcome::NoDevices);
    assert!(rollout.why(&census, &around, NOW).remedy().is_some());
}

#[test]
fn every_status_has_its_answer() {
    let (rollout, census) = rollout("canary");
    let around = Surroundings::default();
    for (status, name) in [
        (DeviceStatus::Pending, "waits_for_turn"),
        (DeviceStatus::Released, "offered"),
        (DeviceStatus::Downloading, "under_way"),
        (DeviceStatus::Installing, "under_way"),
        (DeviceStatus::Rebooting, "under_way"),
        (DeviceStatus::Verifying, "waits_for_switch"),
        (DeviceStatus::Succeeded, "updated"),
        (DeviceStatus::Failed, "failed"),
        (DeviceStatus::RollingBack, "going_back"),
        (DeviceStatus::RolledBack, "rolled_back"),
        (DeviceStatus::RollbackFailed, "rollback_failed"),
        (DeviceStatus::Skipped, "skipped"),
        (DeviceStatus::Cancelled, "cancelled"),
        (DeviceStatus::TimedOut, "timed_out"),
    ] {
        let why = rollout.why_device(&facts(status), &census, &around, NOW);
        assert_eq!(why.name(), name, "{status}");
        assert_eq!(serde_json::to_value(&why).unwrap()["why"], name);
        assert!(!why.to_string().is_empty());
    }
}

#[test]
fn a_device_that_waits_says_for_what() {
    let pending = facts(DeviceStatus::Pending);
    let class = |class| DeviceFacts {
        class,
        ..pending.clone()
    };
    let second = DeviceFacts {
        wave: WaveIndex(1),
        ..pending.clone()
    };
    let retries = DeviceFacts {
        retry_at: Some(later(60)),
        ..pending.clone()
    };
    let passes_through = DeviceFacts {
        stones_left: 2,
        ..pending.clone()
    };
    let (rollout, census) = rollout("canary");
    for (device, text) in [
        (
            second,
            "it waits for wave 2: devices of wave 1 are not through: 0 failed and 2 succeeded of 10, 8 not through",
        ),
        (pending.clone(), "its wave is open and it is next"),
        (
            retries,
            "attempt 1 failed, and it is offered the update again at 1970-01-01T00:01:00Z",
        ),
        (
            passes_through,
            "it is on its way through earlier versions, 2 to go before the new one: nothing holds it: the next step is due",
        ),
        (
            class(Class::Absent),
            "it missed its wave and has not come since, never heard of",
        ),
        (class(Class::Arrived), "it came after its wave and is next"),
        (
            class(Class::Joined),
            "it joined while the execution runs and comes after the last wave: devices of wave 1 are not through: 0 failed and 2 succeeded of 10, 8 not through",
        ),
    ] {
        let why = rollout.why_device(&device, &census, &Surroundings::default(), NOW);
        assert_eq!(why.to_string(), text);
    }
}

#[test]
fn a_device_waits_for_what_holds_the_execution() {
    let (mut rollout, census) = rollout("canary");
    let freeze = Freeze {
        reason: "holidays".into(),
        until: None,
    };
    let frozen = Surroundings {
        freeze: Some(freeze),
        ..Surroundings::default()
    };
    let mut late = facts(DeviceStatus::Pending);
    late.class = Class::Arrived;
    let why = rollout.why_device(&late, &census, &frozen, NOW);
    assert_eq!(
        why.to_string(),
        "it came after its wave: a freeze is in force: holidays"
    );
    let remedy = why.remedy();
    assert_eq!(
        remedy.as_deref(),
        Some("it goes on when the freeze is lifted")
    );
    rollout.phase = halted(HaltReason::Paused { by: "ann".into() });
    let why = rollout.why_device(&facts(DeviceStatus::Pending), &census, &frozen, NOW);
    assert_eq!(
        why.to_string(),
        "its wave is open: waiting for an operator: paused by ann"
    );
    rollout.phase = finished(Outcome::Succeeded);
    rollout.stragglers_stopped = true;
    let why = rollout.why_device(&late, &census, &frozen, NOW);
    assert_eq!(why.name(), "stragglers_stopped");
}

#[test]
fn a_device_outside_its_own_window_says_when_that_opens() {
    let (mut rollout, mut census) = rollout("canary");
    rollout.order.calendar = serde_json::from_value(json!({
        "windows": [{"start_time": "00:00", "end_time": "04:00", "timezone": "UTC"}],
        "window_timezone": "device",
    }))
    .unwrap();
    census.zones = vec!["UTC".into(), "Asia/Tokyo".into()];
    let mut device = facts(DeviceStatus::Pending);
    device.zone = Some("Asia/Tokyo".into());
    let why = rollout.why_device(&device, &census, &Surroundings::default(), NOW);
    assert_eq!(
        why.to_string(),
        "its wave is open: outside the deployment window, which opens at 1970-01-01T15:00:00Z"
    );
}

#[test]
fn slots_wait_for_the_switch() {
    let (mut rollout, census) = rollout("blue_green");
    rollout.phase = Phase::Staging { wave: WaveIndex(0) };
    let around = Surroundings::default();
    let mut device = facts(DeviceStatus::Pending);
    let why =
        |rollout: &Rollout, device: &DeviceFacts| rollout.why_device(device, &census, &around, NOW);
    assert_eq!(why(&rollout, &device).name(), "waits_for_turn");
    device.can_stage = false;
    let held_back = why(&rollout, &device);
    assert!(matches!(
        held_back,
        WhyDevice::WaitsForSwitch { filled: false, .. }
    ));
    device.status = DeviceStatus::Verifying;
    let text = why(&rollout, &device).to_string();
    assert!(text.starts_with("it has the update in its inactive slot and waits for the switch: "));
}

#[test]
fn devices_are_told_apart_by_how_they_failed() {
    let (mut rollout, census) = rollout("canary");
    let around = Surroundings::default();
    let mut device = facts(DeviceStatus::Failed);
    device.attempts = 3;
    for kind in FailureKind::ALL {
        device.failure = Some(kind);
        let why = rollout.why_device(&device, &census, &around, NOW);
        assert_eq!(why.to_string(), format!("{kind}, after 3 attempts"));
        assert_eq!(why.remedy().as_deref(), Some(kind.remedy()));
    }
    rollout.phase = going_back(false);
    device.status = DeviceStatus::RolledBack;
    let why = rollout.why_device(&device, &census, &around, NOW);
    assert_eq!(
        why.to_string(),
        "it went back to the version it had: asked by ann"
    );
}
