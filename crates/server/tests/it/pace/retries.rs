//! Retries with back-off: attempts are counted as attempts, devices as devices.

use serde_json::{Value, json};

use super::unit::Unit;
use super::{World, plan};

fn twice(kind: &str) -> Value {
    plan(json!({"retries": {kind: {"times": 2, "backoff": 60}}}))
}

/// What was offered to a device, the newest first: versions and states.
async fn attempts(world: &World, unit: &Unit) -> Vec<String> {
    let seen = world
        .admin()
        .get(&format!("/api/devices/{}", unit.id))
        .await;
    let attempts = seen["attempts"].as_array().unwrap().iter();
    let text = |attempt: &Value| attempt["state"].as_str().unwrap().to_owned();
    attempts.map(text).collect()
}

#[tokio::test]
async fn a_device_that_fails_is_tried_again_later_and_later() {
    let world = World::start("").await;
    let units = world.join("a", 1).await;
    let id = world.execute(twice("install_failed")).await;
    assert_eq!(world.break_down(&units).await, 1);
    let part = world.part(&id, &units[0]).await;
    assert_eq!(
        (&part["status"], &part["retry_at"]),
        (&json!("pending"), &json!("2030-03-04T12:01:00Z"))
    );
    world.pass(59).await;
    assert!(!units[0].has_offer().await);
    world.pass(1).await;
    assert_eq!(world.break_down(&units).await, 1);
    assert_eq!(world.counts(&id).await, json!({"pending": 1}));
    world.pass(119).await;
    assert!(!units[0].has_offer().await, "twice as long");
    world.pass(1).await;
    assert_eq!(world.update(&units).await, 1);
    assert_eq!(world.counts(&id).await, json!({"succeeded": 1}));
    assert_eq!(world.status(&id).await, "succeeded");
    assert_eq!(attempts(&world, &units[0]).await, ["closed"; 3]);
}

#[tokio::test]
async fn a_device_out_of_attempts_has_failed_once() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let id = world.execute(twice("install_failed")).await;
    units[1].update().await;
    for wait in [60, 120, 0] {
        assert_eq!(world.break_down(&units).await, 1);
        world.pass(wait).await;
    }
    assert_eq!(
        world.counts(&id).await,
        json!({"failed": 1, "succeeded": 1})
    );
    let part = world.part(&id, &units[0]).await;
    assert_eq!(
        (&part["failure"], &part["retry_at"]),
        (&json!("install_failed"), &Value::Null)
    );
    assert_eq!(attempts(&world, &units[0]).await.len(), 3);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn only_the_kinds_that_are_named_are_tried_again() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let id = world.execute(twice("rolled_back_on_device")).await;
    units[0].fail().await;
    let offer = units[1].fetch().await;
    units[1].reboots(&offer).await;
    units[1].fails(&offer).await;
    world.rest().await;
    assert_eq!(world.counts(&id).await, json!({"failed": 1, "pending": 1}));
    world.pass(60).await;
    assert_eq!(world.update(&units).await, 1);
    assert_eq!(
        world.counts(&id).await,
        json!({"failed": 1, "succeeded": 1})
    );
}

#[tokio::test]
async fn a_device_that_fell_silent_is_tried_again_and_may_come_first_with_the_old_attempt() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let id = world.execute(twice("timed_out")).await;
    let slow = units[0].fetch().await;
    let lost = units[1].fetch().await;
    world.pass(600).await;
    assert_eq!(world.counts(&id).await, json!({"pending": 2}));
    units[0].succeeds(&slow).await;
    world.pass(60).await;
    assert_eq!(
        world.counts(&id).await,
        json!({"succeeded": 1, "released": 1})
    );
    assert_eq!(units[1].update().await.version, "2.0.0");
    units[1].fails(&lost).await;
    world.rest().await;
    assert_eq!(world.counts(&id).await, json!({"succeeded": 2}));
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn pausing_holds_retries_and_cancelling_ends_them() {
    let world = World::start("").await;
    let units = world.join("a", 1).await;
    let id = world.execute(twice("install_failed")).await;
    world.break_down(&units).await;
    world.tell(&id, "pause").await;
    world.pass(3600).await;
    assert!(!units[0].has_offer().await);
    world.tell(&id, "resume").await;
    assert_eq!(world.break_down(&units).await, 1);
    world.tell(&id, "cancel").await;
    assert_eq!(world.counts(&id).await, json!({"cancelled": 1}));
    world.pass(3600).await;
    assert!(!units[0].has_offer().await);
    assert_eq!(world.status(&id).await, "cancelled");
}
