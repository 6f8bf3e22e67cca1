//! `blast_radius`: how many devices of an environment may be updated and not proven, over all executions.

use serde_json::{Value, json};

use super::unit::Unit;
use super::{World, plan};

const EIGHT: &str = "blast_radius: 8";

/// Executions for five devices each.
async fn two(world: &World, changes: Value) -> ([Vec<Unit>; 2], [String; 2]) {
    let units = [
        world.join_group("a", 5).await,
        world.join_group("b", 5).await,
    ];
    let mut executions = Vec::new();
    for group in ["a", "b"] {
        let mut plan = plan(json!({"device_groups": [group]}));
        for (name, value) in changes.as_object().unwrap() {
            plan[name] = value.clone();
        }
        executions.push(world.execute(plan).await);
    }
    (units, executions.try_into().unwrap())
}

#[tokio::test]
async fn executions_of_an_environment_share_what_may_be_unproven() {
    let world = World::start(EIGHT).await;
    let (units, [a, b]) = two(&world, json!({"monitor_seconds": 60})).await;
    assert_eq!(world.offered(&units[0]).await.len(), 5);
    assert_eq!(world.status(&b).await, "releasing");
    world.update(&units[0]).await;
    assert_eq!(
        world.offered(&units[1]).await.len(),
        0,
        "updated is not proven"
    );
    world.pass(60).await;
    assert_eq!(world.status(&a).await, "succeeded");
    assert_eq!(world.offered(&units[1]).await.len(), 5);
}

#[tokio::test]
async fn devices_that_failed_are_no_risk() {
    let world = World::start(EIGHT).await;
    let (units, _) = two(&world, json!({"monitor_seconds": 60})).await;
    world.break_down(&units[0][..1]).await;
    assert_eq!(world.offered(&units[1]).await.len(), 0, "4 and 5 are 9");
    world.break_down(&units[0][..2]).await;
    world.pass(60).await;
    assert_eq!(world.offered(&units[1]).await.len(), 5, "3 and 5 are 8");
}

#[tokio::test]
async fn devices_that_were_late_make_room_when_they_are_through() {
    let world = World::start(EIGHT).await;
    let late = world.join_group("late", 5).await;
    let here = world.join_group("here", 5).await;
    let all = json!({"device_groups": ["late"], "offline_policy": "late", "rollback_criteria": {"min_judged": 1}});
    let first = world.execute(plan(all)).await;
    late[0].update().await;
    world.pass(600).await;
    assert_eq!(world.status(&first).await, "succeeded");
    for unit in &late[1..] {
        unit.poll().await;
    }
    world.rest().await;
    assert_eq!(world.offered(&late).await.len(), 4);
    let second = world
        .execute(plan(json!({"device_groups": ["here"]})))
        .await;
    assert_eq!(world.status(&second).await, "releasing");
    world.update(&late).await;
    world.pass(60).await;
    assert_eq!(world.offered(&here).await.len(), 5);
}
