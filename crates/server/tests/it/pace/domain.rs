//! `failure_domain`: never more than a share of one place at once.

use serde_json::{Value, json};

use super::unit::Unit;
use super::{World, plan};

fn site(number: usize) -> Value {
    match number {
        0..6 => json!({"site": "north"}),
        6..10 => json!({"site": "south"}),
        _ => json!({}),
    }
}

fn of_site(units: &[&Unit], numbers: std::ops::Range<usize>) -> usize {
    let ids: Vec<String> = numbers.map(|n| format!("a-{n:02}")).collect();
    units.iter().filter(|unit| ids.contains(&unit.id)).count()
}

#[tokio::test]
async fn no_place_has_more_than_its_share_under_way() {
    let world = World::start("").await;
    let units = world.join_saying("a", 11, site).await;
    let half = json!({"attribute": "site", "max_percentage": 50});
    let id = world.execute(plan(json!({"failure_domain": half}))).await;
    let first = world.offered(&units).await;
    assert_eq!(
        [
            of_site(&first, 0..6),
            of_site(&first, 6..10),
            of_site(&first, 10..11)
        ],
        [3, 2, 1],
        "where no place is known, there is no limit"
    );
    for through in 0..units.len() {
        let under_way = world.offered(&units).await;
        assert!(of_site(&under_way, 0..6) <= 3, "{through} are through");
        assert!(of_site(&under_way, 6..10) <= 2, "{through} are through");
        under_way[through % under_way.len()].update().await;
        world.rest().await;
    }
    assert_eq!(world.counts(&id).await, json!({"succeeded": 11}));
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_share_of_a_small_place_is_one_device() {
    let world = World::start("").await;
    let units = world.join_saying("a", 5, |_| json!({"rack": "r1"})).await;
    let little = json!({"attribute": "rack", "max_percentage": 1});
    let id = world.execute(plan(json!({"failure_domain": little}))).await;
    for _ in &units {
        assert_eq!(world.update(&units).await, 1);
    }
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_device_that_falls_silent_or_leaves_makes_room_at_its_place() {
    let world = World::start("").await;
    let units = world.join_saying("a", 4, |_| json!({"rack": "r1"})).await;
    let one = json!({"attribute": "rack", "max_percentage": 25});
    let id = world.execute(plan(json!({"failure_domain": one}))).await;
    let silent = world.offered(&units).await[0];
    silent.fetch().await;
    world.pass(600).await;
    assert_eq!(world.part(&id, silent).await["status"], "timed_out");
    let gone: Vec<_> = units
        .iter()
        .filter(|unit| unit.id != silent.id)
        .cloned()
        .collect();
    let leaves = world.offered(&gone).await[0].clone();
    world.change(&leaves, json!({"environment": "depot"})).await;
    let left: Vec<_> = gone
        .into_iter()
        .filter(|unit| unit.id != leaves.id)
        .collect();
    for _ in 0..2 {
        assert_eq!(world.update(&left).await, 1);
    }
}
