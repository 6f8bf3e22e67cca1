//! Devices that fail, and those that fall silent, get further attempts where their plan says so.

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus, FailureKind, Report};
use fleetward_core::engine::{Effect, UnfetchedFate};
use fleetward_store::actions::of_device;
use fleetward_store::reports::{DeviceReport, apply};
use serde_json::json;

use crate::fleet::{Fleet, LATE, Member, at, offer, to, waves};

const NOBODY: [i64; 0] = [];

fn twice(kind: FailureKind) -> Fleet {
    let wishes = json!({"retries": {(kind.name()): {"times": 2, "backoff": 60}}});
    Fleet::new(&wishes, &[Member::of(0); 2])
}

#[test]
fn a_failed_device_waits_longer_each_time_and_then_stays_failed() {
    let fleet = twice(FailureKind::InstallFailed);
    fleet.effect(&offer(0), at(10));
    fleet.end(&[1], Report::Failed, 100);
    assert_eq!(fleet.row(1).retry_at, Some(at(160)));
    assert_eq!(fleet.census().next_retry, Some(at(160)));
    assert_eq!(fleet.effect(&offer(0), at(159)), NOBODY);
    assert_eq!(fleet.effect(&offer(0), at(160)), [1]);
    assert_eq!(fleet.census().next_retry, None);
    fleet.end(&[1], Report::Failed, 200);
    assert_eq!(fleet.row(1).retry_at, Some(at(320)));
    assert_eq!(fleet.effect(&offer(0), at(320)), [1]);
    fleet.end(&[1], Report::Failed, 400);
    let row = fleet.row(1);
    assert_eq!((row.status, row.failures), (DeviceStatus::Failed, 3));
    assert_eq!(row.failure, Some(FailureKind::InstallFailed));
    assert_eq!(
        fleet.census().waves[0].failed_so(FailureKind::InstallFailed),
        1
    );
    assert_eq!(fleet.effect(&offer(0), at(9000)), NOBODY);
}

#[test]
fn a_report_that_comes_twice_does_not_end_the_wait() {
    let fleet = twice(FailureKind::InstallFailed);
    fleet.effect(&offer(0), at(10));
    let failed = DeviceReport {
        device_key: 1,
        action: fleet.open(1).unwrap().action_id,
        report: Report::Failed,
        detail: "[]".into(),
    };
    let both = [failed.clone(), failed.clone()];
    fleet.write(|tx| apply(tx, &both, at(100)));
    fleet.write(|tx| apply(tx, &[failed], at(101)));
    let row = fleet.row(1);
    assert_eq!((row.retry_at, row.failures), (Some(at(160)), 1));
    fleet.census();
}

#[test]
fn a_device_that_fell_silent_in_a_restart_is_retried_and_its_attempt_says_why() {
    let fleet = twice(FailureKind::UpdatedThenSilent);
    fleet.effect(&offer(0), at(10));
    fleet.report(1, Report::Rebooting, 20);
    fleet.report(2, Report::Installing, 20);
    let now = Timestamp::from_millisecond(4_000_300).unwrap();
    let mut ended = fleet.effect(&LATE, now);
    ended.sort_unstable();
    assert_eq!(ended, [1, 2]);
    let row = fleet.row(1);
    assert_eq!(
        (row.status, row.class),
        (DeviceStatus::Pending, Class::OnTime)
    );
    assert_eq!(row.retry_at, Some(at(4061)), "a whole second");
    let last = |key| fleet.read(|tx| of_device(tx, key, 1))[0].failure;
    assert_eq!(last(1), Some(FailureKind::UpdatedThenSilent));
    assert_eq!(last(2), Some(FailureKind::TimedOut));
    assert_eq!(
        fleet.status(2),
        DeviceStatus::TimedOut,
        "that kind is not retried"
    );
    fleet.census();
}

#[test]
fn who_was_asked_to_stop_gets_no_other_attempt() {
    let fleet = twice(FailureKind::TimedOut);
    fleet.effect(&offer(0), at(10));
    fleet.report(1, Report::Retrieved, 20);
    fleet.report(2, Report::Retrieved, 20);
    fleet.report(2, Report::Installing, 30);
    assert_eq!(fleet.effect(&Effect::StopInFlight, at(40)), [1, 2]);
    fleet.report(2, Report::CancelRefused, 50);
    fleet.effect(&LATE, at(3620));
    assert_eq!(fleet.status(1), DeviceStatus::TimedOut);
    assert_eq!(
        fleet.status(2),
        DeviceStatus::Pending,
        "it went on, and is retried"
    );
    fleet.census();
}

#[test]
fn devices_that_never_came_are_waited_for_or_left_out() {
    let fleet = Fleet::new(&json!({}), &[Member::of(0); 2]);
    assert_eq!(fleet.effect(&to(waves(0), 1, None), at(10)), [1]);
    let expire = |unfetched| Effect::Expire { unfetched };
    assert_eq!(
        fleet.effect(&expire(UnfetchedFate::KeepWaiting), at(3610)),
        NOBODY
    );
    let row = fleet.row(1);
    assert_eq!((row.status, row.deadline), (DeviceStatus::Released, None));
    assert!(fleet.open(1).is_some());
    fleet.effect(&offer(0), at(4000));
    assert_eq!(fleet.effect(&expire(UnfetchedFate::Skip), at(7600)), [2]);
    let row = fleet.row(2);
    assert_eq!((row.status, row.failures), (DeviceStatus::Skipped, 0));
    assert_eq!(row.failure, Some(FailureKind::NeverContacted));
    assert_eq!(
        fleet.census().waves[0].failed_so(FailureKind::NeverContacted),
        1
    );
}

#[test]
fn a_device_that_was_lost_and_waits_for_another_attempt_is_no_one_that_never_came() {
    let plan = json!({"retries": {"timed_out": {"times": 1, "backoff": 60}}});
    let fleet = Fleet::new(&plan, &[Member::of(0); 2]);
    fleet.effect(&offer(0), at(10));
    for device in 1..=2 {
        fleet.report(device, Report::Retrieved, 20);
    }
    let expire = Effect::Expire {
        unfetched: UnfetchedFate::Skip,
    };
    fleet.effect(&expire, at(3620));
    assert_eq!(fleet.status(1), DeviceStatus::Pending);
    fleet.effect(&to(waves(0), 1, None), at(3680));
    fleet.effect(&expire, at(7300));
    assert_eq!(fleet.status(1), DeviceStatus::TimedOut);
    fleet.effect(&Effect::Withdraw, at(7301));
    assert_eq!(
        fleet.status(2),
        DeviceStatus::TimedOut,
        "a way back reaches it"
    );
    fleet.census();
}
