//! `rate`: offers in a minute.

use serde_json::json;

use super::{World, plan};

#[tokio::test]
async fn no_minute_has_more_offers_than_the_rate() {
    let mut world = World::start("").await;
    let units = world.join("a", 30).await;
    let id = world.execute(plan(json!({"rate": 12}))).await;
    for offers in 1..=units.len() {
        assert_eq!(world.offered(&units).await.len(), offers, "one each 5 s");
        if offers == 10 {
            world = world.restart().await;
        }
        world.pass(4).await;
        assert_eq!(world.offered(&units).await.len(), offers);
        world.pass(1).await;
    }
    assert_eq!(world.update(&units).await, 30);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_rate_grows_with_the_devices_that_succeed() {
    let world = World::start("").await;
    let units = world.join("a", 40).await;
    let rate = json!({"per_minute": 12, "factor": 4, "every": 5, "maximum": 48});
    world.execute(plan(json!({"rate": rate}))).await;
    for _ in 0..4 {
        world.pass(5).await;
    }
    assert_eq!(world.offered(&units).await.len(), 5);
    world.pass(5).await;
    assert_eq!(world.offered(&units).await.len(), 6, "none succeeded");
    world.update(&units).await;
    world.pass(5).await;
    assert_eq!(world.offered(&units).await.len(), 4, "48 a minute");
}
