//! Devices that have to pass through versions on their way to the one that is rolled out.

use fleetward_core::device::{DeviceStatus, FailureKind, Report};
use serde_json::json;

use crate::fleet::{Fleet, LATE, Member, NEW, at, offer, recall};

const NOBODY: [i64; 0] = [];

fn on_the_way() -> Fleet {
    let wishes = json!({
        "stepping_stones": ["1.5.0", "1.7.0"],
        "retries": {"install_failed": {"times": 1, "backoff": 60}},
    });
    let versions = ["1.0.0", "1.5.0", "1.7.0", ""];
    Fleet::new(&wishes, &versions.map(Member::on))
}

#[test]
fn a_device_goes_stone_by_stone() {
    let fleet = on_the_way();
    assert_eq!(fleet.effect(&offer(0), at(10)), [1, 2, 3, 4]);
    let offered = [1, 2, 3, 4].map(|key| fleet.offered(key).unwrap());
    assert_eq!(offered, ["1.5.0", "1.7.0", NEW, "1.5.0"]);
    fleet.end(&[1, 3], Report::Succeeded, 20);
    let row = fleet.row(1);
    assert_eq!((row.status, row.stones_left), (DeviceStatus::Pending, 1));
    assert_eq!((row.deadline, row.retry_at), (None, None));
    assert_eq!(fleet.device(1).version, "1.5.0");
    assert_eq!(fleet.status(3), DeviceStatus::Succeeded);
    for (second, version) in [(30, "1.7.0"), (50, NEW)] {
        assert_eq!(fleet.effect(&offer(0), at(second)), [1]);
        assert_eq!(fleet.offered(1).unwrap(), version);
        fleet.end(&[1], Report::Succeeded, second + 10);
        assert_eq!(fleet.device(1).version, version);
    }
    assert_eq!(fleet.status(1), DeviceStatus::Succeeded);
    assert_eq!(fleet.effect(&offer(0), at(70)), NOBODY);
    assert_eq!(fleet.census().offers, 6);
}

#[test]
fn a_stone_that_fails_is_a_failure() {
    let fleet = on_the_way();
    fleet.effect(&offer(0), at(10));
    fleet.end(&[1], Report::Failed, 20);
    assert_eq!(fleet.row(1).stones_left, 2);
    fleet.effect(&offer(0), at(80));
    assert_eq!(fleet.offered(1).unwrap(), "1.5.0", "the same again");
    fleet.end(&[1], Report::Failed, 90);
    let row = fleet.row(1);
    assert_eq!((row.status, row.stones_left), (DeviceStatus::Failed, 2));
    assert_eq!(row.failure, Some(FailureKind::InstallFailed));
    fleet.report(2, Report::Retrieved, 90);
    fleet.effect(&LATE, at(3690));
    assert_eq!(fleet.status(2), DeviceStatus::TimedOut);
    assert_eq!(fleet.census().waves[0].failed(), 2);
}

#[test]
fn the_way_back_leads_to_the_version_before_the_first_stone() {
    let fleet = on_the_way();
    for second in [10, 30, 50] {
        fleet.effect(&offer(0), at(second));
        let open: Vec<i64> = fleet
            .roster()
            .values()
            .filter(|r| r.action.is_some())
            .map(|r| r.device_key)
            .collect();
        fleet.end(&open, Report::Succeeded, second + 10);
    }
    assert_eq!(fleet.census().count(DeviceStatus::Succeeded), 4);
    assert_eq!(fleet.effect(&recall(u64::MAX, 700), at(100)), [1, 2, 3]);
    let offered = [1, 2, 3].map(|key| fleet.offered(key).unwrap());
    assert_eq!(offered, ["1.0.0", "1.5.0", "1.7.0"]);
    assert_eq!(fleet.row(4).failure, Some(FailureKind::NoEarlierImage));
    fleet.end(&[1, 2, 3], Report::Succeeded, 110);
    let versions = [1, 2, 3].map(|key| fleet.device(key).version);
    assert_eq!(versions, ["1.0.0", "1.5.0", "1.7.0"]);
    assert_eq!(fleet.census().count(DeviceStatus::RolledBack), 3);
}
