//! Devices that come late, join and leave while executions run.

use std::collections::BTreeMap;

use fleetward_core::device::{Class, DeviceStatus, Report};
use fleetward_core::engine::{Outcome, Phase};
use fleetward_store::devices::{self, Facts};
use fleetward_store::{assignments, comers};
use serde_json::json;

use crate::fleet::{
    Fleet, LATE, Member, add_device, at, offer, own_clocks, plan, racks, stragglers,
};

const NOBODY: [i64; 0] = [];

fn joins(fleet: &Fleet, id: &str, member: &Member) -> Vec<i64> {
    fleet.write(|tx| {
        add_device(tx, id, member)?;
        comers::join(tx, id, at(50))
    })
}

fn leaves(fleet: &Fleet, device_key: i64) -> Vec<i64> {
    fleet.write(|tx| {
        devices::move_to(tx, device_key, "lab")?;
        comers::leave(tx, device_key, "lab", at(60))
    })
}

#[test]
fn every_execution_that_waited_for_a_device_learns_that_it_came() {
    let first = Fleet::new(&json!({}), &[Member::of(0); 3]);
    let second = plan(&json!({"name": "Second"}));
    first.effect(&offer(0), at(10));
    first.effect(&LATE, at(3610));
    first.arrived(&[2], 3700);
    let second = Fleet::start(first.store.clone(), second, &[vec![2, 3]]);
    assert_eq!(
        first.arrived(&[1, 2, 3], 3800),
        [first.target.execution_key]
    );
    let classes = [1, 2, 3].map(|key| first.class(key));
    assert_eq!(classes, [Class::Arrived; 3]);
    assert_eq!(second.class(2), Class::OnTime, "its wave is not open yet");
    assert_eq!(first.census().of(Class::Arrived, DeviceStatus::Pending), 3);
}

#[test]
fn a_device_joins_the_last_wave_and_is_counted_everywhere() {
    let wishes = json!({"dynamic": true, "pace": racks(50), "calendar": own_clocks()});
    let fleet = Fleet::new(&wishes, &[Member::at(0, "a"), Member::at(1, "a")]);
    let tokyo = Member {
        zone: Some("Asia/Tokyo"),
        ..Member::at(0, "b")
    };
    for id in ["dev-3", "dev-4"] {
        assert_eq!(joins(&fleet, id, &tokyo), [fleet.target.execution_key]);
    }
    let row = fleet.row(3);
    assert_eq!((row.wave, row.class), (1, Class::Joined));
    let census = fleet.census();
    assert_eq!(census.zones, ["", "Asia/Tokyo"]);
    assert_eq!(census.waves[1].joined(), 2);
    assert_eq!(
        fleet.effect(&offer(1), at(51)),
        [1],
        "waves are for who was chosen"
    );
    assert_eq!(fleet.effect(&stragglers(false), at(51)), NOBODY);
    assert_eq!(
        fleet.effect(&stragglers(true), at(51)),
        [3],
        "half of its place"
    );
    let again = fleet.write(|tx| comers::join(tx, "dev-3", at(52)));
    assert_eq!(again, NOBODY, "once is enough");
}

#[test]
fn who_would_not_have_been_chosen_does_not_join() {
    let wishes = json!({"dynamic": true, "device_groups": ["east"], "security_floor": "1.0.0"});
    let fleet = Fleet::new(&wishes, &[Member::of(0)]);
    let join = |id: &str, group: &str, member: Member| {
        fleet.write(|tx| {
            let key = add_device(tx, id, &member)?;
            devices::set_groups(tx, key, &[group.to_owned()])?;
            comers::join(tx, id, at(50))
        })
    };
    assert_eq!(join("dev-2", "west", Member::of(0)), NOBODY);
    assert_eq!(join("dev-3", "east", Member::on("2.0.0")), NOBODY);
    let own_floor = Member {
        floor: Some("3.0.0"),
        ..Member::of(0)
    };
    assert_eq!(join("dev-4", "east", own_floor), NOBODY);
    assert_eq!(
        join("dev-5", "east", Member::of(0)),
        [fleet.target.execution_key]
    );
    let over = Phase::Finished {
        outcome: Outcome::Succeeded,
        cause: None,
        at: at(60),
    };
    fleet.enter(over, 60);
    assert_eq!(join("dev-6", "east", Member::of(0)), NOBODY, "it is over");
}

#[test]
fn who_is_kept_for_an_execution_does_not_join_it_or_another() {
    let first = Fleet::new(&json!({}), &[Member::of(0); 3]);
    first.effect(&fleetward_core::engine::Effect::Withdraw, at(1));
    let second = plan(&json!({"name": "Second", "dynamic": true}));
    let second = Fleet::start_kept(first.store.clone(), second, &[vec![1], vec![2]]);
    let third = plan(&json!({"name": "Third", "dynamic": true}));
    let third = Fleet::start_kept(first.store.clone(), third, &[vec![3], Vec::new()]);
    let joined = second.write(|tx| comers::join(tx, "dev-2", at(10)));
    assert_eq!(joined, NOBODY, "its wave has it, written out or not");
    second.write(|tx| assignments::write_out(tx, None, u32::MAX));
    assert_eq!(second.class(2), Class::OnTime);
    assert_eq!(third.rows().len(), 1);
    second.census();
}

#[test]
fn a_device_that_moves_away_leaves_what_it_has_not_begun() {
    let fleet = Fleet::new(&json!({}), &[Member::of(0); 4]);
    let key = fleet.target.execution_key;
    fleet.effect(&crate::fleet::offer_to(0, 3), at(10));
    fleet.end(&[1], Report::Succeeded, 20);
    fleet.report(2, Report::Retrieved, 20);
    assert_eq!(leaves(&fleet, 1), NOBODY);
    assert_eq!(leaves(&fleet, 2), NOBODY, "what it has begun it ends");
    assert_eq!(leaves(&fleet, 3), [key]);
    assert_eq!(leaves(&fleet, 4), [key]);
    assert!(fleet.open(3).is_none() && fleet.open(2).is_some());
    assert_eq!(fleet.row(3).deadline, None);
    assert_eq!(fleet.census().count(DeviceStatus::Cancelled), 2);
    assert_eq!(leaves(&fleet, 3), NOBODY, "once is enough");
    let stays = fleet.write(|tx| comers::leave(tx, 2, "field", at(61)));
    assert_eq!(stays, NOBODY);
}

#[test]
fn a_device_leaves_a_wave_that_is_not_written_out() {
    let first = Fleet::new(&json!({}), &[Member::of(0); 2]);
    first.effect(&fleetward_core::engine::Effect::Withdraw, at(1));
    let second = plan(&json!({"name": "Second"}));
    let second = Fleet::start_kept(first.store.clone(), second, &[vec![1], vec![2]]);
    assert_eq!(leaves(&second, 2), [second.target.execution_key]);
    second.write(|tx| assignments::write_out(tx, None, u32::MAX));
    assert_eq!(second.status(2), DeviceStatus::Cancelled);
    assert_eq!(second.census().count(DeviceStatus::Pending), 1);
}

#[test]
fn a_device_that_moves_house_before_its_wave_is_written_out_is_not_forgotten() {
    let wishes = json!({"pace": racks(100), "calendar": own_clocks()});
    let first = Fleet::new(&wishes, &[Member::at(0, "a"); 3]);
    first.effect(&fleetward_core::engine::Effect::Withdraw, at(1));
    let mut second = wishes;
    second["name"] = json!("Second");
    let chosen = [vec![1], vec![2, 3]];
    let second = Fleet::start_kept(first.store.clone(), plan(&second), &chosen);
    let there = [("rack", "new"), ("timezone", "Asia/Tokyo")];
    let there: BTreeMap<String, String> = there
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    second.write(|tx| {
        devices::set_attributes(tx, 2, &there, &Facts::default())?;
        devices::set_attributes(tx, 3, &BTreeMap::new(), &Facts::default())?;
        assignments::write_out(tx, None, u32::MAX)
    });
    assert_eq!(second.census().zones, ["", "Asia/Tokyo"]);
    assert_eq!(second.effect(&offer(1), at(10)), [1, 2, 3]);
}
