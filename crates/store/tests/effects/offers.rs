//! Who is offered the update: in which order, how many, where, and who is left out.

use fleetward_core::device::{Class, DeviceStatus, Report};
use fleetward_core::engine::{Effect, Recipients};
use fleetward_core::ids::WaveIndex;
use fleetward_store::effects::supersede_chosen;
use serde_json::json;

use crate::fleet::{
    Fleet, LATE, Member, at, offer, offer_to, own_clocks, plan, racks, staging, stragglers, to,
    waves,
};

const NOBODY: [i64; 0] = [];

#[test]
fn offers_go_by_wave_and_place_and_to_no_more_than_asked() {
    let members = [0, 1, 0, 1, 0].map(Member::of);
    let fleet = Fleet::in_line(&json!({}), &members, &[5, 4, 3, 2, 1]);
    assert_eq!(fleet.effect(&offer_to(1, 0), at(10)), NOBODY);
    assert_eq!(fleet.effect(&offer_to(1, 2), at(10)), [5, 3]);
    assert_eq!(fleet.effect(&offer_to(1, 2), at(11)), [1, 4]);
    assert_eq!(
        fleet.effect(&offer(0), at(12)),
        NOBODY,
        "all of it have one"
    );
    assert_eq!(fleet.effect(&offer(1), at(13)), [2]);
    assert_eq!(fleet.census().offers, 5);
    let numbers = [5, 3, 1, 4, 2].map(|key| fleet.open(key).unwrap().action_id.0);
    assert_eq!(numbers, [11, 13, 15, 17, 19]);
}

#[test]
fn a_place_has_room_for_its_share_exactly() {
    let mut members = vec![Member::at(0, "a"); 5];
    members.extend([
        Member::at(0, "b"),
        Member::at(1, "b"),
        Member::of(0),
        Member::of(0),
    ]);
    let fleet = Fleet::new(&json!({"pace": racks(50)}), &members);
    let everybody = offer(1);
    assert_eq!(
        fleet.effect(&everybody, at(10)),
        [1, 2, 3, 6, 8, 9],
        "half of five, rounded up; half of two, the earlier one; and all that are nowhere"
    );
    assert_eq!(fleet.effect(&everybody, at(11)), NOBODY);
    fleet.end(&[2], Report::Failed, 20);
    fleet.report(3, Report::Retrieved, 20);
    assert_eq!(
        fleet.effect(&everybody, at(21)),
        [4],
        "one ended, one only fetched it"
    );
    fleet.end(&[6], Report::Succeeded, 30);
    fleet.end(&[1], Report::Succeeded, 30);
    assert_eq!(
        fleet.effect(&offer_to(1, 1), at(31)),
        [5],
        "the earlier wave's, of two places with room"
    );
    assert_eq!(fleet.effect(&everybody, at(32)), [7]);
}

#[test]
fn room_counts_the_devices_of_waves_that_are_not_written_out() {
    let members = [0, 0, 1, 1].map(|wave| Member::at(wave, "a"));
    let wishes = json!({"pace": racks(50)});
    let first = Fleet::new(&wishes, &members);
    first.effect(&Effect::Withdraw, at(1));
    let mut second = wishes;
    second["name"] = json!("Second");
    let chosen = [vec![1, 2], vec![3, 4]];
    let fleet = Fleet::start_kept(first.store.clone(), plan(&second), &chosen);
    assert_eq!(fleet.rows().len(), 2, "the second wave is kept");
    assert_eq!(fleet.effect(&offer(0), at(10)), [1, 2]);
}

#[test]
fn an_offer_is_for_open_zones_only() {
    let zone = |zone| Member {
        zone,
        domain: Some("a"),
        ..Member::of(0)
    };
    let members = [Some("UTC"), Some("Asia/Tokyo"), None, Some("UTC")].map(zone);
    for pace in [json!({}), racks(100)] {
        let wishes = json!({"calendar": own_clocks(), "pace": pace});
        let fleet = Fleet::new(&wishes, &members);
        assert_eq!(fleet.census().zones, ["", "Asia/Tokyo", "UTC"]);
        let zones = |zones| to(waves(0), u64::MAX, Some(zones));
        assert_eq!(fleet.effect(&zones(&[]), at(10)), NOBODY);
        assert_eq!(fleet.effect(&zones(&["", "Asia/Tokyo"]), at(10)), [2, 3]);
        assert_eq!(fleet.effect(&zones(&["UTC"]), at(10)), [1, 4]);
    }
}

#[test]
fn only_those_that_can_fill_a_slot_do_and_switch_in_their_order() {
    let able = |wave| Member {
        can_stage: true,
        ..Member::of(wave)
    };
    let members = [able(0), Member::of(0), able(0), able(0), able(1)];
    let fleet = Fleet::new(&json!({}), &members);
    let fill = to(staging(1), u64::MAX, None);
    assert_eq!(fleet.effect(&fill, at(10)), [1, 3, 4, 5]);
    fleet.end(&[1, 3, 5], Report::Downloaded, 20);
    fleet.end(&[4], Report::Succeeded, 20);
    assert_eq!(
        fleet.status(4),
        DeviceStatus::Pending,
        "it can only switch at once"
    );
    assert!(!fleet.device(4).can_stage);
    assert_eq!(fleet.row(1).deadline, None, "a filled slot rests");
    assert_eq!(fleet.effect(&fill, at(30)), NOBODY);
    let switch = |wave, at_most| Effect::Switch {
        wave: WaveIndex(wave),
        at_most,
        zones: None,
    };
    assert_eq!(fleet.effect(&switch(0, 1), at(40)), [1]);
    assert_eq!(fleet.effect(&switch(0, 9), at(41)), [3]);
    assert_eq!(fleet.effect(&switch(1, 9), at(42)), [5]);
    assert_eq!(fleet.status(5), DeviceStatus::Installing);
    assert_eq!(
        fleet.effect(&offer(1), at(43)),
        [2, 4],
        "and the others get all of it"
    );
    assert!(!fleet.open(4).unwrap().staging);
}

#[test]
fn staged_devices_of_a_place_switch_as_there_is_room() {
    let able = Member {
        can_stage: true,
        ..Member::at(0, "a")
    };
    let fleet = Fleet::new(&json!({"pace": racks(50)}), &[able; 4]);
    let fill = to(staging(0), u64::MAX, None);
    assert_eq!(fleet.effect(&fill, at(10)), [1, 2]);
    fleet.end(&[1, 2], Report::Downloaded, 20);
    assert_eq!(
        fleet.effect(&fill, at(21)),
        [3, 4],
        "who rests is not under way"
    );
    let switch = Effect::Switch {
        wave: WaveIndex(0),
        at_most: u64::MAX,
        zones: None,
    };
    assert_eq!(
        fleet.effect(&switch, at(22)),
        NOBODY,
        "two fill their slots"
    );
    fleet.end(&[3], Report::Downloaded, 30);
    assert_eq!(fleet.effect(&switch, at(31)), [1]);
}

#[test]
fn devices_that_joined_come_after_those_that_were_chosen() {
    let fleet = Fleet::in_line(&json!({"dynamic": true}), &[Member::of(0); 3], &[3, 2]);
    let joined = fleet.write(|tx| fleetward_store::comers::join(tx, "dev-1", at(5)));
    assert_eq!(joined, [fleet.target.execution_key]);
    assert_eq!(fleet.effect(&offer(0), at(10)), [3, 2]);
    fleet.effect(&LATE, at(3610));
    fleet.arrived(&[2, 3], 3700);
    assert_eq!(fleet.would(&stragglers(false), at(3701)), [3, 2]);
    assert_eq!(fleet.effect(&stragglers(true), at(3701)), [3, 2, 1]);
    fleet.end(&[1, 2, 3], Report::Succeeded, 3800);
    let back = crate::fleet::recall(u64::MAX, 9000);
    assert_eq!(fleet.effect(&back, at(3900)), [3, 2, 1]);
}

#[test]
fn stragglers_are_limited_and_filtered_like_everybody() {
    let members = ["a", "a", "b"].map(|rack| Member {
        zone: Some("UTC"),
        ..Member::at(0, rack)
    });
    let wishes = json!({"pace": racks(50), "calendar": own_clocks()});
    let fleet = Fleet::new(&wishes, &members);
    for second in [10, 4000] {
        fleet.effect(&offer(0), at(second));
        fleet.effect(&LATE, at(second + 3600));
    }
    fleet.arrived(&[1, 2, 3], 9000);
    let who = Recipients::Stragglers { joined: false };
    assert_eq!(
        fleet.effect(&to(who, 9, Some(&["Asia/Tokyo"])), at(9001)),
        NOBODY
    );
    assert_eq!(fleet.effect(&to(who, 1, Some(&["UTC"])), at(9001)), [1]);
    assert_eq!(fleet.effect(&to(who, 9, Some(&["UTC"])), at(9001)), [3]);
    assert_eq!(fleet.effect(&to(who, 9, None), at(9001)), NOBODY);
}

fn second_over(first: &Fleet, devices: &[i64]) -> Fleet {
    let second = plan(&json!({"name": "Second"}));
    Fleet::start(first.store.clone(), second, &[devices.to_vec()])
}

#[test]
fn a_later_execution_has_the_devices_that_an_earlier_one_waits_for() {
    let first = Fleet::new(&json!({}), &[Member::of(0); 2]);
    first.effect(&offer(0), at(10));
    first.effect(&LATE, at(3610));
    let second = second_over(&first, &[1]);
    assert_eq!(second.effect(&offer(0), at(3700)), [1]);
    assert_eq!(first.status(1), DeviceStatus::Cancelled);
    assert_eq!(first.class(1), Class::Absent);
    assert_eq!(
        first.status(2),
        DeviceStatus::Pending,
        "nobody else wants it"
    );
    first.census();
    assert_eq!(first.arrived(&[1, 2], 3800), [first.target.execution_key]);
    assert_eq!(first.effect(&stragglers(true), at(3801)), [2]);
}

#[test]
fn an_offer_that_a_straggler_has_not_fetched_is_taken_back_for_a_later_execution() {
    let first = Fleet::new(&json!({}), &[Member::of(0); 3]);
    first.effect(&offer(0), at(10));
    first.effect(&LATE, at(3610));
    first.arrived(&[1, 2], 3700);
    first.effect(&stragglers(false), at(3701));
    first.report(2, Report::Retrieved, 3702);
    let chosen = [vec![1, 3]];
    let second = second_over(&first, &chosen[0]);
    let key = second.target.execution_key;
    let told = second.write(|tx| supersede_chosen(tx, key, &chosen, at(3800)));
    assert_eq!(told, [1, 3]);
    for device in [1, 3] {
        assert_eq!(first.status(device), DeviceStatus::Cancelled);
        assert!(first.open(device).is_none());
    }
    assert_eq!(first.status(2), DeviceStatus::Downloading);
    first.census();
    assert_eq!(second.effect(&offer(0), at(3801)), [1, 3]);
}
