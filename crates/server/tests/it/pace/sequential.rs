//! Judgement by the sequential test.

use serde_json::{Value, json};

use super::{World, plan};

fn sequential(changes: Value) -> Value {
    let criteria = json!({"judgement": "sequential", "max_failure_rate": 5});
    let mut plan = plan(json!({"rollback_criteria": criteria}));
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

#[tokio::test]
async fn three_failures_in_the_first_seventeen_stop_it() {
    let world = World::start("").await;
    let units = world.join("a", 30).await;
    let id = world.execute(sequential(json!({}))).await;
    world.update(&units[..14]).await;
    for unit in &units[14..16] {
        unit.fail().await;
    }
    world.rest().await;
    assert_eq!(world.status(&id).await, "observing");
    units[16].fail().await;
    world.rest().await;
    let stopped = world.execution(&id).await;
    assert_eq!(stopped["status"], "rolling_back", "{stopped:#}");
    assert_eq!(stopped["waves"][0]["verdict"], "fail");
    let told = world.admin().decisions(&id).await;
    let rule = told.iter().find(|told| told.starts_with("stopped"));
    assert!(rule.unwrap().contains("17"), "{told:#?}");
}

#[tokio::test]
async fn three_failures_in_eighteen_do_not() {
    let world = World::start("").await;
    let units = world.join("a", 30).await;
    let id = world.execute(sequential(json!({}))).await;
    world.update(&units[..15]).await;
    for unit in &units[15..18] {
        unit.fail().await;
    }
    world.rest().await;
    assert_eq!(world.status(&id).await, "observing");
}

#[tokio::test]
async fn while_it_is_in_doubt_nobody_else_is_offered_it() {
    let world = World::start("").await;
    let units = world.join("a", 12).await;
    let id = world.execute(sequential(json!({"max_in_flight": 4}))).await;
    for under_way in [4, 3] {
        world.offered(&units).await[0].fail().await;
        world.rest().await;
        assert_eq!(world.offered(&units).await.len(), under_way);
    }
    let left = world.offered(&units).await;
    for unit in left {
        unit.update().await;
    }
    world.rest().await;
    assert_eq!(world.status(&id).await, "halted");
    let reason = world.execution(&id).await["reason"].to_string();
    assert!(reason.contains("in doubt"), "{reason}");
    world.tell(&id, "resume").await;
    assert_eq!(world.offered(&units).await.len(), 4);
}

#[tokio::test]
async fn a_wave_passes_when_the_evidence_is_good_enough() {
    let world = World::start("").await;
    let units = world.join("a", 60).await;
    let waves = json!({"strategy": "rolling", "batch_size": 40});
    let id = world.execute(sequential(waves)).await;
    let first = world.offered(&units).await;
    for unit in &first[..37] {
        unit.update().await;
    }
    world.rest().await;
    assert_eq!(world.offered(&units).await.len(), 3, "one more is needed");
    first[37].update().await;
    world.rest().await;
    assert_eq!(world.execution(&id).await["waves"][0]["verdict"], "pass");
    assert_eq!(world.offered(&units).await.len(), 2 + 20);
}
