//! Stepping stones: versions that a device passes through on its way.

use serde_json::json;

use super::{World, plan};

#[tokio::test]
async fn a_device_goes_through_the_versions_on_its_way() {
    let world = World::start("").await;
    world.admin().upload("1.2.0").await;
    let units = world.join("a", 1).await;
    let newer = world.unit("newer");
    newer.poll().await;
    newer.says("1.2.0", json!({})).await;
    let id = world
        .execute(plan(json!({"stepping_stones": ["1.2.0"]})))
        .await;
    assert_eq!(newer.update().await.version, "2.0.0", "it is there already");
    assert_eq!(units[0].update().await.version, "1.2.0");
    world.rest().await;
    let seen = world.admin().get("/api/devices/a-00").await;
    assert_eq!(seen["version"], "1.2.0");
    assert_eq!(world.status(&id).await, "observing");
    assert_eq!(units[0].update().await.version, "2.0.0");
    world.rest().await;
    assert_eq!(world.counts(&id).await, json!({"succeeded": 2}));
    assert_eq!(world.status(&id).await, "succeeded");
    let seen = world.admin().get("/api/devices/a-00").await;
    let attempts = seen["attempts"].as_array().unwrap().iter();
    let versions: Vec<_> = attempts.map(|a| a["version"].as_str().unwrap()).collect();
    assert_eq!(versions, ["2.0.0", "1.2.0"]);
}

#[tokio::test]
async fn a_rollback_leads_to_where_the_device_came_from() {
    let world = World::start("").await;
    world.admin().upload("1.2.0").await;
    let units = world.join("a", 1).await;
    let stones = json!({"stepping_stones": ["1.2.0"], "monitor_seconds": 3600});
    let id = world.execute(plan(stones)).await;
    world.update(&units).await;
    world.update(&units).await;
    world.tell(&id, "rollback").await;
    let back = units[0].update().await;
    assert_eq!((back.version.as_str(), back.back), ("1.0.0", true));
    world.rest().await;
    assert_eq!(world.status(&id).await, "rolled_back");
}

#[tokio::test]
async fn a_way_with_a_version_missing_is_refused() {
    let world = World::start("").await;
    world.join("a", 1).await;
    let through = plan(json!({"stepping_stones": ["1.2.0"]}));
    let (status, problem) = world.try_execute(through.clone()).await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["field"]),
        (422, &json!("stepping_stones")),
        "{problem:#}"
    );
    world.admin().upload("1.2.0").await;
    world
        .admin()
        .post("/api/firmware/1.2.0/withdraw", json!({}))
        .await;
    let (status, _) = world.try_execute(through).await;
    assert_eq!(status.as_u16(), 422, "a withdrawn one is missing too");
}

#[tokio::test]
async fn a_stone_that_is_withdrawn_is_offered_to_nobody() {
    let world = World::start("").await;
    world.admin().upload("1.2.0").await;
    let units = world.join("a", 2).await;
    let one_by_one = json!({"stepping_stones": ["1.2.0"], "max_in_flight": 1});
    let id = world.execute(plan(one_by_one)).await;
    let first = world.offered(&units).await[0].id.clone();
    world
        .admin()
        .post("/api/firmware/1.2.0/withdraw", json!({}))
        .await;
    world.rest().await;
    assert_eq!(
        world.offered(&units).await.len(),
        0,
        "it was offered to {first}"
    );
    assert_eq!(world.status(&id).await, "halted");
}
