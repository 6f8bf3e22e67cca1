//! Devices that are called back, those that can't go, and offers that are taken back.

use fleetward_core::device::{ActionState, Class, DeviceStatus, FailureKind, Report};
use fleetward_core::engine::{Effect, Outcome, Phase};
use fleetward_store::effects::take_back;
use serde_json::json;

use crate::fleet::{Fleet, LATE, Member, at, offer, recall, stragglers};

const NOBODY: [i64; 0] = [];

#[test]
fn devices_are_called_back_in_their_order_and_no_more_than_asked() {
    let members = [1, 0, 0, 1].map(Member::of);
    let fleet = Fleet::in_line(&json!({}), &members, &[3, 2, 4, 1]);
    fleet.effect(&offer(1), at(10));
    fleet.end(&[1, 2, 4], Report::Succeeded, 20);
    fleet.report(3, Report::Retrieved, 20);
    fleet.effect(&LATE, at(3620));
    assert_eq!(
        fleet.status(3),
        DeviceStatus::TimedOut,
        "it may run the update"
    );
    assert_eq!(fleet.effect(&recall(0, 5000), at(3700)), NOBODY);
    assert_eq!(fleet.effect(&recall(3, 5000), at(3700)), [3, 2, 4]);
    assert_eq!(fleet.row(4).deadline, Some(at(5000)));
    assert_eq!(fleet.effect(&recall(3, 5000), at(3701)), [1]);
    fleet.report(3, Report::Succeeded, 3710);
    assert_eq!(
        fleet.effect(&recall(3, 5000), at(3711)),
        NOBODY,
        "it went back"
    );
    fleet.census();
}

#[test]
fn devices_that_cannot_go_back_are_named_and_need_a_person() {
    let floored = |version, floor| Member {
        floor: Some(floor),
        ..Member::on(version)
    };
    let members = [
        Member::on("1.5.0"),
        Member::on("0.9.0"),
        Member::on("1.0.0"),
        floored("1.5.0", "1.6.0"),
        floored("1.5.0", "1.5.0"),
        Member::on(""),
    ];
    let fleet = Fleet::new(&json!({"security_floor": "1.2.0"}), &members);
    fleet.effect(&offer(0), at(10));
    fleet.end(&[1, 2, 3, 4, 5, 6], Report::Succeeded, 20);
    assert_eq!(
        fleet.effect(&recall(1, 700), at(30)),
        [1],
        "who can't go takes nobody's turn"
    );
    let named = |key| (fleet.row(key).failure, fleet.device(key).quarantined);
    let no_image = (Some(FailureKind::NoEarlierImage), true);
    let below = (Some(FailureKind::BelowSecurityFloor), true);
    assert_eq!([2, 3, 4, 6].map(named), [no_image, below, below, no_image]);
    assert_eq!(named(5), (None, false));
    assert_eq!(fleet.effect(&recall(9, 700), at(31)), [5]);
    assert_eq!(fleet.census().count(DeviceStatus::RollbackFailed), 4);
}

#[test]
fn a_device_that_goes_back_after_all_needs_no_person() {
    let fleet = Fleet::new(&json!({}), &[Member::of(0)]);
    fleet.effect(&offer(0), at(10));
    fleet.end(&[1], Report::Succeeded, 20);
    fleet.effect(&recall(9, 700), at(30));
    let back = fleet.open(1).unwrap().action_id;
    fleet.effect(&LATE, at(700));
    assert_eq!(fleet.status(1), DeviceStatus::RollbackFailed);
    assert!(fleet.device(1).quarantined);
    fleet.report_on(1, back, Report::Succeeded, 800);
    assert_eq!(fleet.status(1), DeviceStatus::RolledBack);
    assert_eq!(fleet.row(1).failure, None);
    let device = fleet.device(1);
    assert!(!device.quarantined && device.version == "1.0.0");
    fleet.census();
}

#[test]
fn a_withdrawn_version_is_not_offered_after_the_end_of_its_execution() {
    let fleet = Fleet::new(&json!({}), &[Member::of(0); 4]);
    fleet.effect(&offer(0), at(10));
    fleet.end(&[1], Report::Succeeded, 20);
    fleet.effect(&LATE, at(3610));
    let over = Phase::Finished {
        outcome: Outcome::Succeeded,
        cause: None,
        at: at(3700),
    };
    fleet.enter(over, 3700);
    fleet.arrived(&[2, 3], 3800);
    fleet.effect(&stragglers(true), at(3801));
    fleet.report(3, Report::Retrieved, 3802);
    let take = || {
        let firmware = fleet.target.firmware_key;
        let mut changed = fleet.write(|tx| take_back(tx, firmware, at(5000), at(3900)));
        changed.sort_unstable();
        changed
    };
    assert_eq!(take(), [2, 3, 4]);
    assert_eq!(fleet.status(2), DeviceStatus::Cancelled);
    assert_eq!(fleet.open(3).unwrap().state, ActionState::Cancelling);
    assert_eq!(
        (fleet.status(4), fleet.class(4)),
        (DeviceStatus::Cancelled, Class::Absent)
    );
    assert!(fleet.roster()[&4].straggles.is_none());
    assert_eq!(
        fleet.status(1),
        DeviceStatus::Succeeded,
        "who has it keeps it"
    );
    assert_eq!(fleet.arrived(&[4], 3901), NOBODY);
    assert_eq!(take(), NOBODY, "twice is once");
    fleet.census();
}

#[test]
fn only_stragglers_lose_their_offers_where_only_theirs_are_taken_back() {
    let fleet = Fleet::new(&json!({}), &[0, 0, 1].map(Member::of));
    fleet.effect(&offer(0), at(10));
    fleet.effect(&LATE, at(3610));
    fleet.arrived(&[1], 3700);
    fleet.effect(&stragglers(false), at(3701));
    fleet.effect(&offer(1), at(3701));
    let mut changed = fleet.effect(&Effect::WithdrawStragglers, at(3800));
    changed.sort_unstable();
    assert_eq!(changed, [1, 2]);
    assert_eq!(fleet.status(3), DeviceStatus::Released);
    assert_eq!(fleet.effect(&Effect::Withdraw, at(3801)), [3]);
    assert_eq!(fleet.census().count(DeviceStatus::Cancelled), 3);
}
