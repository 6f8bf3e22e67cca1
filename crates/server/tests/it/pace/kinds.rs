//! Kinds of failure as devices express them, and their own limits.

use serde_json::{Value, json};

use super::unit::Unit;
use super::{World, plan};

async fn failure(world: &World, id: &str, unit: &Unit) -> String {
    let part = world.part(id, unit).await;
    part["failure"].as_str().unwrap_or_default().to_owned()
}

/// Says that it wrote the image, and then that it does not run it.
async fn comes_back(unit: &Unit) {
    let offer = unit.fetch().await;
    unit.reboots(&offer).await;
    unit.fails(&offer).await;
}

#[tokio::test]
async fn a_device_fails_in_its_own_way() {
    let world = World::start("").await;
    let units = world.join("a", 5).await;
    let skip = json!({"offline_policy": "skip"});
    let id = world.execute(plan(skip)).await;
    units[0].fail().await;
    comes_back(&units[1]).await;
    let offer = units[2].fetch().await;
    units[2].reboots(&offer).await;
    units[3].fetch().await;
    world.pass(600).await;
    let mut found = Vec::new();
    for unit in &units {
        found.push(failure(&world, &id, unit).await);
    }
    let kinds = [
        "install_failed",
        "rolled_back_on_device",
        "updated_then_silent",
        "timed_out",
        "never_contacted",
    ];
    assert_eq!(found, kinds);
    let counts = json!({"failed": 2, "timed_out": 2, "skipped": 1});
    assert_eq!(world.counts(&id).await, counts);
}

fn limited(kind: &str, limit: Value) -> Value {
    plan(json!({"rollback_criteria": {"max_failure_rate": 100, "failure_limits": {kind: limit}}}))
}

#[tokio::test]
async fn a_limit_of_one_kind_trips_on_that_kind_alone() {
    let world = World::start("").await;
    let units = world.join("a", 10).await;
    let limit = json!({"max_rate": 10, "min_count": 2});
    let id = world.execute(limited("rolled_back_on_device", limit)).await;
    units[0].update().await;
    for unit in &units[1..5] {
        unit.fail().await;
    }
    comes_back(&units[5]).await;
    world.rest().await;
    assert_eq!(world.status(&id).await, "observing");
    comes_back(&units[6]).await;
    world.rest().await;
    assert_eq!(world.status(&id).await, "rolling_back");
    let reason = world.execution(&id).await["reason"].to_string();
    assert!(
        reason.contains("the device went back by itself"),
        "{reason}"
    );
    assert!(units[0].fetch().await.back);
}

#[tokio::test]
async fn silence_after_the_update_trips_by_itself() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let limit = json!({"max_rate": 0});
    let id = world.execute(limited("updated_then_silent", limit)).await;
    let offer = units[0].fetch().await;
    units[0].reboots(&offer).await;
    for unit in &units[1..3] {
        unit.update().await;
    }
    units[3].fetch().await;
    world.pass(600).await;
    assert_eq!(world.status(&id).await, "rolling_back");
    let told = world.counts(&id).await;
    assert_eq!(
        told,
        json!({"rolling_back": 4}),
        "who may run it goes back too"
    );
}

#[tokio::test]
async fn devices_that_never_came_stop_it_and_accuse_nobody() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let limit = json!({"max_rate": 25});
    let id = world.execute(limited("never_contacted", limit)).await;
    world.update(&units[..2]).await;
    world.pass(600).await;
    assert_eq!(world.status(&id).await, "halted");
    assert_eq!(
        world.counts(&id).await,
        json!({"succeeded": 2, "pending": 2})
    );
    world.tell(&id, "resume").await;
    assert_eq!(world.status(&id).await, "succeeded");
}
