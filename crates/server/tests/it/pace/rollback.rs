//! A large rollback goes in portions, and is held when the first ones fail.

use serde_json::json;

use super::unit::Unit;
use super::{World, plan};

/// A hundred and twenty devices on 2.0.0, and the rollout that brought it.
async fn updated(world: &World) -> (Vec<Unit>, String) {
    let units = world.join("a", 120).await;
    let id = world
        .execute(plan(json!({"monitor_seconds": 86_400})))
        .await;
    assert_eq!(world.update(&units).await, 120);
    (units, id)
}

#[tokio::test]
async fn a_large_rollback_goes_in_portions_that_grow() {
    let world = World::start("").await;
    let (units, id) = updated(&world).await;
    world.tell(&id, "rollback").await;
    let mut portions = Vec::new();
    while world.status(&id).await == "rolling_back" {
        portions.push(world.update(&units).await);
    }
    assert_eq!(portions, [10, 40, 70]);
    assert_eq!(world.status(&id).await, "rolled_back");
    assert_eq!(world.counts(&id).await, json!({"rolled_back": 120}));
    let field = world.admin().get("/api/environments/field").await;
    assert_eq!(
        field["versions"],
        json!([{"version": "1.0.0", "devices": 120}])
    );
}

#[tokio::test]
async fn silence_of_the_first_does_not_hold_up_the_others_for_ever() {
    let world = World::start("").await;
    let (units, id) = updated(&world).await;
    world.tell(&id, "rollback").await;
    assert_eq!(world.offered(&units).await.len(), 10);
    world.pass(99).await;
    assert_eq!(world.offered(&units).await.len(), 10);
    world.pass(1).await;
    assert_eq!(
        world.offered(&units).await.len(),
        50,
        "an eighth of its time is over"
    );
}

#[tokio::test]
async fn a_rollback_whose_first_devices_fail_is_held_until_it_is_forced() {
    let world = World::start("").await;
    let (units, id) = updated(&world).await;
    world.tell(&id, "rollback").await;
    assert_eq!(world.break_down(&units).await, 10);
    let told = world.admin().decisions(&id).await;
    assert!(
        told.last().unwrap().starts_with("going back is held"),
        "{told:#?}"
    );
    world.pass(86_400).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    assert_eq!(world.status(&id).await, "rolling_back");
    let named = world.admin().get("/api/devices?quarantined=true").await;
    assert_eq!(named["items"].as_array().unwrap().len(), 10);

    world.tell(&id, "rollback").await;
    assert_eq!(world.update(&units).await, 110);
    assert_eq!(world.status(&id).await, "rollback_incomplete");
    let counts = json!({"rolled_back": 110, "rollback_failed": 10});
    assert_eq!(world.counts(&id).await, counts);
}

#[tokio::test]
async fn a_rollback_keeps_to_the_plans_limit() {
    let world = World::start("").await;
    let units = world.join("a", 9).await;
    let paced = json!({"monitor_seconds": 86_400, "max_in_flight": 3});
    let id = world.execute(plan(paced)).await;
    for _ in 0..3 {
        assert_eq!(world.update(&units).await, 3);
    }
    world.tell(&id, "rollback").await;
    for _ in 0..3 {
        assert_eq!(world.update(&units).await, 3);
    }
    assert_eq!(world.status(&id).await, "rolled_back");
}
