//! Deployment windows, of the environment and of each device's own zone, and emergencies that don't wait for them.

use serde_json::{Value, json};

use super::unit::Unit;
use super::{DAY, HOUR, World, ids, plan};

/// From two to four at night.
const NIGHT: &str = r#"deployment_window: { start_time: "02:00", end_time: "04:00" }"#;

#[tokio::test]
async fn a_rollout_waits_for_the_window_and_goes_on_in_the_next() {
    let world = World::at("2030-03-04T01:00:00Z", NIGHT).await;
    let units = world.join("a", 6).await;
    let batches = json!({"strategy": "rolling", "batch_size": 4, "max_in_flight": 2, "device_timeout": 86_400});
    let id = world.execute(plan(batches)).await;
    assert_eq!(world.status(&id).await, "releasing");
    world.pass(HOUR - 1).await;
    assert_eq!(world.offered(&units).await.len(), 0, "it opens in a second");
    world.pass(1).await;
    assert_eq!(world.offered(&units).await.len(), 2);
    assert_eq!(world.status(&id).await, "observing");

    world.pass(2 * HOUR).await;
    assert_eq!(world.update(&units).await, 2, "what is offered stands");
    assert_eq!(world.offered(&units).await.len(), 0, "it has closed");
    assert_eq!(world.status(&id).await, "observing");
    world.pass(22 * HOUR).await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.offered(&units).await.len(), 2, "the next wave");
    world.pass(2 * HOUR).await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_wave_is_not_opened_after_the_window_has_closed() {
    let world = World::at("2030-03-04T03:59:00Z", NIGHT).await;
    let units = world.join("a", 4).await;
    let batches = json!({"strategy": "rolling", "batch_size": 2});
    let id = world.execute(plan(batches)).await;
    assert_eq!(world.offered(&units).await.len(), 2);
    world.pass(60).await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.status(&id).await, "releasing");
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(22 * HOUR).await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn every_device_has_the_window_of_its_own_zone() {
    let rules = format!("{NIGHT}\n    window_timezone: device");
    let world = World::at("2030-03-04T00:30:00Z", &rules).await;
    let zone = |n: usize| match n {
        0 | 1 => json!({"timezone": "Europe/Berlin"}),
        2 | 3 => json!({"timezone": "Asia/Tokyo"}),
        _ => json!({}),
    };
    let units = world.join_saying("a", 6, zone).await;
    let id = world.execute(plan(json!({"device_timeout": 86_400}))).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(HOUR / 2).await;
    assert_eq!(
        ids(world.offered(&units).await),
        ["a-00", "a-01"],
        "01:00 in UTC"
    );
    units[0].update().await;
    world.pass(HOUR).await;
    let at_two = world.offered(&units).await;
    assert_eq!(ids(at_two), ["a-01", "a-04", "a-05"], "02:00 in UTC");
    for n in [1, 4, 5] {
        units[n].update().await;
    }
    world.pass(15 * HOUR - 1).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(1).await;
    assert_eq!(
        ids(world.offered(&units).await),
        ["a-02", "a-03"],
        "17:00 in UTC"
    );
    world.update(&units).await;
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_device_whose_window_is_closed_does_not_hold_up_a_retry_elsewhere() {
    let rules = format!("{NIGHT}\n    window_timezone: device");
    let world = World::at("2030-03-04T02:30:00Z", &rules).await;
    let zone = |n: usize| json!({"timezone": if n == 0 { "UTC" } else { "Asia/Tokyo" }});
    let units = world.join_saying("a", 2, zone).await;
    let retry = json!({"retries": {"install_failed": {"times": 1, "backoff": 60}}});
    world.execute(plan(retry)).await;
    assert_eq!(world.break_down(&units).await, 1);
    world.pass(60).await;
    assert_eq!(ids(world.offered(&units).await), ["a-00"]);
}

fn urgent() -> Value {
    plan(json!({"emergency": true, "emergency_reason": "the pumps flood"}))
}

#[tokio::test]
async fn an_emergency_waits_for_no_window() {
    let world = World::start(NIGHT).await;
    let units = world.join("a", 3).await;
    let id = world.execute(urgent()).await;
    assert_eq!(world.update(&units).await, 3);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_rollback_waits_for_no_window_and_no_freeze() {
    let world = World::at("2030-03-04T03:00:00Z", NIGHT).await;
    let units = world.join("a", 2).await;
    let id = world
        .execute(plan(json!({"monitor_seconds": 86_400})))
        .await;
    world.update(&units).await;
    world.pass(DAY / 2).await;
    let freeze = json!({"reason": "Fair"});
    world.admin().post("/api/freezes", freeze).await;
    world.tell(&id, "rollback").await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.status(&id).await, "rolled_back");
}

#[tokio::test]
async fn slots_are_filled_in_one_window_and_switched_in_the_next() {
    let world = World::at("2030-03-04T03:00:00Z", NIGHT).await;
    let stages = |_| json!({"fleetward.staging": "true"});
    let units = world.join_saying("a", 3, stages).await;
    let paced = json!({"strategy": "blue_green", "max_in_flight": 2, "device_timeout": 86_400});
    let id = world.execute(plan(paced)).await;
    assert_eq!(world.status(&id).await, "staging");
    let first = world.offered(&units).await;
    assert_eq!(first.len(), 2);
    let mut offers = Vec::new();
    for unit in first {
        let offer = unit.fetch().await;
        unit.has_it(&offer).await;
        offers.push((unit, offer));
    }
    world.rest().await;
    let known = |unit: &&Unit| offers.iter().all(|(staged, _)| staged.id != unit.id);
    let last = world.offered(&units).await.into_iter().find(known).unwrap();
    let offer = last.fetch().await;
    world.pass(HOUR).await;
    last.has_it(&offer).await;
    offers.push((last, offer));
    world.rest().await;
    assert_eq!(
        world.status(&id).await,
        "verifying",
        "the window has closed"
    );
    assert_eq!(world.counts(&id).await, json!({"verifying": 3}));
    world.pass(22 * HOUR).await;
    assert_eq!(
        world.counts(&id).await,
        json!({"verifying": 1, "installing": 2})
    );
    let mut told = Vec::new();
    for (unit, offer) in &offers {
        if world.part(&id, unit).await["status"] == "installing" {
            told.push((unit, offer));
        }
    }
    for (unit, offer) in told {
        unit.succeeds(offer).await;
    }
    world.rest().await;
    assert_eq!(
        world.counts(&id).await,
        json!({"installing": 1, "succeeded": 2})
    );
}
