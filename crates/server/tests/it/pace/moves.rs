//! Devices that move to another environment while a rollout runs.

use serde_json::json;

use super::{DEPOT, World, plan};

#[tokio::test]
async fn a_device_that_moves_away_leaves() {
    let world = World::start("").await;
    let units = world.join("a", 3).await;
    let id = world.execute(plan(json!({"max_in_flight": 2}))).await;
    let (offered, waiting) = {
        let offered = world.offered(&units).await;
        let waits = units
            .iter()
            .find(|unit| !offered.iter().any(|o| o.id == unit.id));
        (offered, waits.unwrap())
    };
    let away = json!({"environment": "depot"});
    world.change(waiting, away.clone()).await;
    world.change(offered[0], away).await;
    let gone = offered[0].behind("depot", DEPOT);
    assert!(!gone.has_offer().await, "its offer was taken back");
    offered[1].update().await;
    world.rest().await;
    let execution = world.execution(&id).await;
    assert_eq!(execution["counts"], json!({"succeeded": 1, "cancelled": 2}));
    assert_eq!(execution["devices"], 3, "denominators don't move");
    assert_ne!(execution["status"], "observing", "nobody is waited for");
}

#[tokio::test]
async fn a_device_that_has_begun_ends_it_and_counts() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let id = world.execute(plan(json!({}))).await;
    let offer = units[0].fetch().await;
    world
        .change(&units[0], json!({"environment": "depot"}))
        .await;
    units[1].update().await;
    world.rest().await;
    assert_eq!(world.status(&id).await, "observing", "it is waited for");
    let moved = units[0].behind("depot", DEPOT);
    moved.succeeds(&offer).await;
    world.rest().await;
    assert_eq!(world.counts(&id).await, json!({"succeeded": 2}));
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_device_that_moves_is_taken_in_where_it_comes_to() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let there = world.unit("there").behind("depot", DEPOT);
    there.poll().await;
    there.says("1.0.0", json!({})).await;
    let here = world.execute(plan(json!({}))).await;
    let other =
        json!({"firmware_version": "3.0.0", "target_environment": "depot", "dynamic": true});
    let other = world.execute(plan(other)).await;
    world
        .change(&units[0], json!({"environment": "depot"}))
        .await;
    there.update().await;
    world.rest().await;
    let moved = units[0].behind("depot", DEPOT);
    assert_eq!(moved.update().await.version, "3.0.0");
    world.rest().await;
    assert_eq!(world.part(&here, &units[0]).await["status"], "cancelled");
    assert_eq!(world.counts(&other).await, json!({"succeeded": 2}));
}

#[tokio::test]
async fn a_late_device_that_moved_away_is_waited_for_no_longer() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let id = world.execute(plan(json!({}))).await;
    units[0].update().await;
    world.pass(600).await;
    assert_eq!(world.status(&id).await, "succeeded");
    world
        .change(&units[1], json!({"environment": "depot"}))
        .await;
    let moved = units[1].behind("depot", DEPOT);
    moved.poll().await;
    world.rest().await;
    assert!(!moved.has_offer().await);
    assert_eq!(
        world.counts(&id).await,
        json!({"succeeded": 1, "cancelled": 1})
    );
}
