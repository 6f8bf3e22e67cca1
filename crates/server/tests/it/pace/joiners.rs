//! Devices that join while a rollout runs.

use serde_json::{Value, json};

use super::unit::Unit;
use super::{DEPOT, HOUR, World, plan};

fn dynamic(changes: Value) -> Value {
    let mut plan = plan(json!({"dynamic": true}));
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

/// A device that joined, and the two that it joined, are updated; denominators don't move.
async fn ends_with(world: &World, id: &str, old: &[Unit], new: &Unit) {
    world.update(old).await;
    let execution = world.execution(id).await;
    assert_eq!(
        (&execution["joined"], &execution["devices"]),
        (&json!(1), &json!(2)),
        "{execution:#}"
    );
    assert_eq!(world.part(id, new).await["class"], "joined");
    assert_eq!(new.update().await.version, "2.0.0");
    world.rest().await;
    let execution = world.execution(id).await;
    assert_eq!(execution["counts"], json!({"succeeded": 3}));
    assert_eq!(execution["waves"][0]["devices"], 2);
    assert_eq!(execution["status"], "succeeded");
}

#[tokio::test]
async fn a_device_that_enrolls_is_updated_too() {
    let world = World::start("").await;
    let old = world.join("a", 2).await;
    let id = world.execute(dynamic(json!({}))).await;
    let new = world.join("b", 1).await;
    world.rest().await;
    ends_with(&world, &id, &old, &new[0]).await;
}

#[tokio::test]
async fn a_device_that_moves_in_is_updated_too() {
    let world = World::start("").await;
    let old = world.join("a", 2).await;
    let outside = world.unit("b").behind("depot", DEPOT);
    outside.poll().await;
    outside.says("1.0.0", json!({})).await;
    let id = world.execute(dynamic(json!({}))).await;
    assert!(!outside.has_offer().await);
    world
        .change(&outside, json!({"environment": "field"}))
        .await;
    ends_with(&world, &id, &old, &world.unit("b")).await;
}

#[tokio::test]
async fn a_device_that_comes_into_the_group_is_updated_too() {
    let world = World::start("").await;
    let old = world.join_group("early", 2).await;
    let new = world.join("b", 1).await;
    let id = world
        .execute(dynamic(json!({"device_groups": ["early"]})))
        .await;
    new[0].says("1.0.0", json!({"more": "words"})).await;
    world.rest().await;
    assert_eq!(world.execution(&id).await["joined"], 0);
    world.change(&new[0], json!({"groups": ["early"]})).await;
    ends_with(&world, &id, &old, &new[0]).await;
}

#[tokio::test]
async fn nobody_joins_where_it_is_not_wished_or_over() {
    let world = World::start("").await;
    let old = world.join("a", 2).await;
    let id = world.execute(plan(json!({}))).await;
    let new = world.join("b", 1).await;
    world.update(&old).await;
    assert_eq!(world.status(&id).await, "succeeded");
    assert!(!new[0].has_offer().await);
    let id = world.execute(dynamic(json!({}))).await;
    assert_eq!(world.update(&new).await, 1);
    assert_eq!(world.status(&id).await, "succeeded");
    let late = world.join("c", 1).await;
    world.rest().await;
    assert!(!late[0].has_offer().await);
}

#[tokio::test]
async fn a_device_that_could_not_be_chosen_can_not_join() {
    let world = World::start("").await;
    let old = world.join("a", 2).await;
    let id = world.execute(dynamic(json!({}))).await;
    let fixed = world.unit("fixed");
    fixed.poll().await;
    fixed
        .says("1.0.0", json!({"security_floor": "2.5.0"}))
        .await;
    let new = world.unit("new");
    new.poll().await;
    new.says("2.0.0", json!({})).await;
    world.update(&old).await;
    assert_eq!(world.execution(&id).await["joined"], 0);
    assert!(!fixed.has_offer().await, "it may not run 2.0.0");
    assert!(!new.has_offer().await, "it runs it");
}

#[tokio::test]
async fn a_device_beyond_the_share_does_not_join_by_saying_something() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let half = json!({"rollout_percentage": 50});
    let id = world.execute(dynamic(half)).await;
    for unit in &units {
        unit.says("1.0.0", json!({"more": "words"})).await;
    }
    world.rest().await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.offered(&units).await.len(), 0);
    assert_eq!(world.execution(&id).await["joined"], 0);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn nobody_joins_once_joiners_were_stopped() {
    let world = World::start("").await;
    let old = world.join("a", 2).await;
    let strict = json!({"rollback_criteria": {"max_failure_rate": 10}, "monitor_seconds": 3600});
    let id = world.execute(dynamic(strict)).await;
    world.update(&old).await;
    let joined = world.join("b", 8).await;
    world.rest().await;
    world.break_down(&joined).await;
    let after = world.join("c", 1).await;
    world.rest().await;
    assert!(!after[0].has_offer().await);
    assert_eq!(world.part(&id, &after[0]).await, Value::Null);
}

#[tokio::test]
async fn a_device_that_joins_waits_for_the_window_of_its_zone() {
    let night = r#"deployment_window: { start_time: "12:00", end_time: "14:00" }
    window_timezone: device"#;
    let world = World::start(night).await;
    let old = world.join("a", 2).await;
    let id = world
        .execute(dynamic(json!({"device_timeout": 86_400})))
        .await;
    let zone = |_| json!({"timezone": "America/New_York"});
    let new = world.join_saying("b", 1, zone).await;
    world.rest().await;
    world.update(&old[..1]).await;
    assert!(!new[0].has_offer().await, "it is seven there");
    world.pass(5 * HOUR).await;
    assert!(new[0].has_offer().await);
    assert_eq!(world.execution(&id).await["joined"], 1);
}
