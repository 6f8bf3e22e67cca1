//! Devices that miss their wave and come back.

use serde_json::json;

use super::unit::Unit;
use super::{HOUR, World, plan};

/// A rollout to three devices that is over, without the first of them.
async fn over_without_one(world: &World) -> (Vec<Unit>, String) {
    let units = world.join("a", 3).await;
    let id = world.execute(plan(json!({}))).await;
    world.update(&units[1..]).await;
    world.pass(600).await;
    let execution = world.execution(&id).await;
    assert_eq!(
        (&execution["status"], &execution["late"]),
        (&json!("succeeded"), &json!(1))
    );
    (units, id)
}

/// Comes once; whether the next poll has an offer.
async fn comes(world: &World, unit: &Unit) -> bool {
    assert!(!unit.has_offer().await, "nothing was known of it");
    world.rest().await;
    unit.has_offer().await
}

#[tokio::test]
async fn who_comes_back_has_the_offer_one_poll_later() {
    let world = World::start("").await;
    let (units, id) = over_without_one(&world).await;
    let poll = units[0].poll().await;
    assert_eq!(
        poll["config"]["polling"]["sleep"], "00:00:10",
        "it is to come again soon"
    );
    world.rest().await;
    assert_eq!(units[0].update().await.version, "2.0.0");
    world.rest().await;
    let execution = world.execution(&id).await;
    assert_eq!(execution["counts"], json!({"succeeded": 3}));
    assert_eq!(execution["status"], "succeeded");
    assert_eq!(world.part(&id, &units[0]).await["class"], "arrived");
}

#[tokio::test]
async fn who_comes_back_outside_the_window_waits_for_it() {
    let day = r#"deployment_window: { start_time: "12:00", end_time: "13:00" }"#;
    let world = World::start(day).await;
    let (units, _) = over_without_one(&world).await;
    world.pass(3 * HOUR).await;
    assert!(!comes(&world, &units[0]).await);
    let world = world.restart().await;
    world.pass(20 * HOUR).await;
    assert!(!units[0].has_offer().await);
    world.pass(HOUR).await;
    assert!(units[0].has_offer().await);
}

#[tokio::test]
async fn who_comes_back_while_it_runs_waits_for_no_wave() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let waves =
        json!({"strategy": "rolling", "batch_size": 2, "rollback_criteria": {"min_judged": 20}});
    let id = world.execute(plan(waves)).await;
    let (present, away) = {
        let first = world.offered(&units).await;
        (first[0], first[1])
    };
    present.update().await;
    world.pass(600).await;
    assert_eq!(world.execution(&id).await["current_wave"], 2);
    assert!(comes(&world, away).await);
}

#[tokio::test]
async fn a_later_execution_supersedes_what_they_missed() {
    let world = World::start("").await;
    let (units, first) = over_without_one(&world).await;
    let later = world
        .execute(plan(json!({"firmware_version": "3.0.0"})))
        .await;
    assert_eq!(world.update(&units).await, 3);
    assert_eq!(world.part(&first, &units[0]).await["status"], "cancelled");
    assert_eq!(world.counts(&later).await, json!({"succeeded": 3}));
    assert_eq!(world.offered(&units).await.len(), 0);
}

#[tokio::test]
async fn who_comes_back_waits_for_the_wave_of_a_later_execution() {
    let world = World::start("").await;
    let (units, first) = over_without_one(&world).await;
    let waves = json!({"firmware_version": "3.0.0", "strategy": "rolling", "batch_size": 1});
    let later = world.execute(plan(waves)).await;
    for _ in 0..3 {
        units[0].poll().await;
        world.rest().await;
        for unit in world.offered(&units).await {
            assert_eq!(unit.update().await.version, "3.0.0");
        }
        world.rest().await;
    }
    assert_eq!(world.counts(&later).await, json!({"succeeded": 3}));
    assert_eq!(world.part(&first, &units[0]).await["status"], "cancelled");
}

#[tokio::test]
async fn who_has_not_fetched_what_they_missed_is_offered_the_later_version() {
    let world = World::start("").await;
    let (units, first) = over_without_one(&world).await;
    assert!(comes(&world, &units[0]).await);
    let later = world
        .execute(plan(json!({"firmware_version": "3.0.0"})))
        .await;
    assert_eq!(world.part(&first, &units[0]).await["status"], "cancelled");
    assert_eq!(units[0].update().await.version, "3.0.0");
    world.update(&units).await;
    assert_eq!(world.counts(&later).await, json!({"succeeded": 3}));
    assert_eq!(world.offered(&units).await.len(), 0);
}

#[tokio::test]
async fn withdrawn_firmware_is_not_for_who_comes_back() {
    let world = World::start("").await;
    let (units, id) = over_without_one(&world).await;
    world
        .admin()
        .post("/api/firmware/2.0.0/withdraw", json!({}))
        .await;
    assert!(!comes(&world, &units[0]).await);
    assert_eq!(world.part(&id, &units[0]).await["status"], "cancelled");
}

#[tokio::test]
async fn stragglers_keep_to_the_limit_and_stop_when_too_many_fail() {
    let world = World::start("").await;
    let mut units = world.join("a", 20).await;
    let strict = json!({"max_in_flight": 20, "rollback_criteria": {"max_failure_rate": 10, "min_judged": 5}});
    let id = world.execute(plan(strict)).await;
    let rest = units.split_off(4);
    world.update(&units).await;
    world.pass(600).await;
    assert_eq!(world.status(&id).await, "succeeded");
    for unit in &rest[..8] {
        unit.poll().await;
    }
    world.rest().await;
    assert_eq!(world.break_down(&rest).await, 8);
    let told = world.admin().decisions(&id).await;
    let stopped = told.last().unwrap();
    assert!(
        stopped.starts_with("devices that came late get it no longer"),
        "{told:#?}"
    );
    for unit in &rest[8..] {
        unit.poll().await;
    }
    world.rest().await;
    assert_eq!(world.offered(&rest).await.len(), 0);
    assert_eq!(world.status(&id).await, "succeeded", "the verdict stands");
}

#[tokio::test]
async fn who_comes_back_and_fails_is_tried_again_after_the_end_too() {
    let world = World::start("").await;
    let units = world.join("a", 3).await;
    let retry = json!({"retries": {"install_failed": {"times": 1, "backoff": 60}}});
    let id = world.execute(plan(retry)).await;
    world.update(&units[1..]).await;
    world.pass(600).await;
    assert_eq!(world.status(&id).await, "succeeded");
    assert!(comes(&world, &units[0]).await);
    world.break_down(&units).await;
    assert!(!units[0].has_offer().await);
    let world = world.restart().await;
    world.pass(60).await;
    assert_eq!(world.update(&units).await, 1);
    assert_eq!(world.counts(&id).await, json!({"succeeded": 3}));
}
