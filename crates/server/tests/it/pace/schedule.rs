//! Plans that start at a time, or again and again.

use serde_json::{Value, json};

use super::{DAY, HOUR, World, plan};

#[tokio::test]
async fn a_plan_starts_at_its_time_with_the_devices_of_then() {
    let world = World::start("").await;
    let mut units = world.join("a", 2).await;
    let id = world
        .execute(plan(json!({"schedule": "2030-03-04T14:00:00Z"})))
        .await;
    let queued = world.execution(&id).await;
    assert_eq!(
        (&queued["status"], &queued["starts_at"], &queued["devices"]),
        (&json!("queued"), &json!("2030-03-04T14:00:00Z"), &json!(0))
    );
    units.extend(world.join("b", 1).await);
    world.pass(2 * HOUR - 1).await;
    assert_eq!(world.status(&id).await, "queued");
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(1).await;
    assert_eq!(world.update(&units).await, 3);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_time_that_is_past_is_now() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    world
        .execute(plan(json!({"schedule": "2030-03-04T14:00:00Z"})))
        .await;
    let world = world.restart().await;
    world.pass(3 * HOUR).await;
    assert_eq!(world.offered(&units).await.len(), 2, "also after a restart");
}

/// The executions, the newest first.
async fn executions(world: &World) -> Vec<Value> {
    let listed = world.admin().get("/api/deployments").await;
    listed["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_plan_that_repeats_is_executed_again_when_it_is_over_until_it_is_cancelled() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let first = world.execute(plan(json!({"schedule": "0 2 * * *"}))).await;
    assert_eq!(executions(&world).await.len(), 1);
    world.pass(14 * HOUR).await;
    assert_eq!(world.offered(&units).await.len(), 2);
    assert_eq!(executions(&world).await.len(), 1, "the first is not over");
    world.update(&units).await;
    let two = executions(&world).await;
    assert_eq!(
        (&two[1]["execution_id"], &two[1]["status"]),
        (&json!(first), &json!("succeeded"))
    );
    let second = two[0]["execution_id"].as_str().unwrap();
    assert_eq!(
        (
            &two[0]["status"],
            &two[0]["starts_at"],
            &two[0]["started_by"]
        ),
        (
            &json!("queued"),
            &json!("2030-03-06T02:00:00Z"),
            &json!("schedule")
        )
    );

    let new = world.join("b", 1).await;
    world.pass(DAY).await;
    assert_eq!(world.update(&new).await, 1);
    assert_eq!(world.counts(second).await, json!({"succeeded": 1}));
    world.pass(DAY).await;
    let four = executions(&world).await;
    assert_eq!(
        four[1]["status"], "no_devices",
        "nobody was left: it goes on all the same"
    );
    let last = four[0]["execution_id"].as_str().unwrap();
    assert_eq!(world.tell(last, "cancel").await["status"], "cancelled");
    world.join("c", 1).await;
    world.pass(2 * DAY).await;
    assert_eq!(executions(&world).await.len(), four.len());
}

#[tokio::test]
async fn a_plan_that_repeats_ends_with_an_execution_that_went_back() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let strict = json!({"schedule": "0 2 * * *", "rollback_criteria": {"max_failure_rate": 10}});
    let id = world.execute(plan(strict)).await;
    world.pass(14 * HOUR).await;
    units[0].update().await;
    world.break_down(&units).await;
    world.update(&units).await;
    assert_eq!(world.status(&id).await, "rolled_back");
    assert_eq!(executions(&world).await.len(), 1);
}
