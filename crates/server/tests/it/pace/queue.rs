//! `max_concurrent_deployments`: executions that wait for others.

use serde_json::json;

use super::unit::Unit;
use super::{World, config, plan};

const ONE: &str = "max_concurrent_deployments: 1";

/// A plan for one group.
async fn roll_out(world: &World, group: &str) -> String {
    world.execute(plan(json!({"device_groups": [group]}))).await
}

/// Two devices in each of three groups, and an execution for each.
async fn three(world: &World) -> ([Vec<Unit>; 3], [String; 3]) {
    let units = [
        world.join_group("a", 2).await,
        world.join_group("b", 2).await,
        world.join_group("c", 2).await,
    ];
    let executions = [
        roll_out(world, "a").await,
        roll_out(world, "b").await,
        roll_out(world, "c").await,
    ];
    (units, executions)
}

async fn statuses(world: &World, executions: &[String; 3]) -> [String; 3] {
    let [a, b, c] = executions;
    [
        world.status(a).await,
        world.status(b).await,
        world.status(c).await,
    ]
}

#[tokio::test]
async fn executions_of_an_environment_run_one_after_the_other_in_order() {
    let world = World::start(ONE).await;
    let (units, executions) = three(&world).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["observing", "queued", "queued"]
    );
    let queued = world.admin().get("/api/deployments?status=queued").await;
    assert_eq!(queued["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.offered(&units[1]).await.len(), 0);
    world.update(&units[0]).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["succeeded", "observing", "queued"]
    );
    let world = world.restart().await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["succeeded", "observing", "queued"]
    );
    world.update(&units[1]).await;
    world.update(&units[2]).await;
    assert_eq!(statuses(&world, &executions).await, ["succeeded"; 3]);
}

#[tokio::test]
async fn the_limit_of_all_environments_holds_too() {
    let config = config("") + "performance: { max_concurrent_deployments: 2 }\n";
    let world = World::with("2030-03-04T12:00:00Z", config).await;
    let (units, executions) = three(&world).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["observing", "observing", "queued"]
    );
    world.update(&units[1]).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["observing", "succeeded", "observing"]
    );
}

#[tokio::test]
async fn an_environment_with_room_does_not_wait_for_one_without() {
    let world = World::start(ONE).await;
    let (_, executions) = three(&world).await;
    let there = world.unit("there").behind("depot", super::DEPOT);
    there.poll().await;
    there.says("1.0.0", json!({})).await;
    let id = world
        .execute(plan(json!({"target_environment": "depot"})))
        .await;
    assert!(there.has_offer().await);
    assert_eq!(world.status(&id).await, "observing");
    assert_eq!(
        statuses(&world, &executions).await,
        ["observing", "queued", "queued"]
    );
}

#[tokio::test]
async fn a_queued_execution_is_paused_resumed_and_cancelled() {
    let world = World::start(ONE).await;
    let (units, executions) = three(&world).await;
    let [_, second, third] = &executions;
    assert_eq!(world.tell(second, "pause").await["status"], "paused");
    assert_eq!(world.tell(second, "resume").await["status"], "queued");
    assert_eq!(world.tell(third, "cancel").await["status"], "cancelled");
    world.update(&units[0]).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["succeeded", "observing", "cancelled"]
    );
    assert_eq!(world.offered(&units[2]).await.len(), 0);
}

#[tokio::test]
async fn an_execution_paused_in_the_queue_waits_for_a_person_and_holds_up_nobody() {
    let world = World::start(ONE).await;
    let (units, executions) = three(&world).await;
    world.tell(&executions[1], "pause").await;
    world.update(&units[0]).await;
    assert_eq!(world.status(&executions[1]).await, "paused");
    assert_eq!(world.offered(&units[1]).await.len(), 0);
    assert_eq!(world.status(&executions[2]).await, "observing");
    assert_eq!(
        world.tell(&executions[1], "resume").await["status"],
        "queued"
    );
    world.update(&units[2]).await;
    world.update(&units[1]).await;
    assert_eq!(statuses(&world, &executions).await, ["succeeded"; 3]);
}

#[tokio::test]
async fn a_queued_execution_is_rolled_back_though_nobody_has_it() {
    let world = World::start(ONE).await;
    let (units, executions) = three(&world).await;
    world.tell(&executions[1], "rollback").await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["observing", "rolled_back", "queued"]
    );
    world.update(&units[0]).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["succeeded", "rolled_back", "observing"]
    );
}

#[tokio::test]
async fn one_that_goes_back_makes_room_when_it_is_back() {
    let world = World::start(ONE).await;
    let (units, executions) = three(&world).await;
    units[0][0].update().await;
    world.tell(&executions[0], "rollback").await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["rolling_back", "queued", "queued"]
    );
    world.update(&units[0]).await;
    assert_eq!(
        statuses(&world, &executions).await,
        ["rolled_back", "observing", "queued"]
    );
}
