//! Freezes in the middle of a rollout: set, lifted, over, configured, overridden.

use reqwest::Method;
use serde_json::{Value, json};

use super::{HOUR, World, plan};

async fn freeze(world: &World, freeze: Value) -> String {
    let made = world.admin().post("/api/freezes", freeze).await;
    world.rest().await;
    made["freeze_id"].as_str().unwrap().to_owned()
}

async fn lift(world: &World, freeze: &str) {
    let admin = world.admin();
    let path = format!("/api/freezes/{freeze}");
    let (status, body) = admin.send(admin.request(Method::DELETE, &path)).await;
    assert!(status.is_success(), "{status} {body}");
    world.rest().await;
}

#[tokio::test]
async fn a_freeze_stops_further_offers_at_once_and_lifting_it_goes_on() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let id = world.execute(plan(json!({"max_in_flight": 2}))).await;
    let made = freeze(&world, json!({"reason": "Fair"})).await;
    assert_eq!(world.update(&units).await, 2, "what is offered stands");
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(24 * HOUR).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    lift(&world, &made).await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_freeze_ends_by_itself_and_holds_only_where_it_is_set() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    freeze(
        &world,
        json!({"reason": "Stocktaking", "environment": "depot"}),
    )
    .await;
    let until = "2030-03-04T13:00:00Z";
    freeze(
        &world,
        json!({"reason": "Fair", "environment": "field", "until": until}),
    )
    .await;
    let id = world.execute(plan(json!({}))).await;
    assert_eq!(world.status(&id).await, "releasing");
    world.pass(HOUR - 1).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(1).await;
    assert_eq!(world.offered(&units).await.len(), 2);
}

#[tokio::test]
async fn a_freeze_period_of_the_configuration_is_a_freeze() {
    let period = r#"freeze_periods: [{from: "2030-03-04T12:30:00Z", until: "2030-03-05T00:00:00Z", reason: "Fair"}]"#;
    let world = World::start(period).await;
    let units = world.join("a", 3).await;
    let id = world
        .execute(plan(json!({"max_in_flight": 1, "device_timeout": 86_400})))
        .await;
    assert_eq!(world.update(&units).await, 1);
    world.pass(HOUR).await;
    assert_eq!(world.update(&units).await, 1, "offered before");
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(11 * HOUR - 1).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    world.pass(1).await;
    assert_eq!(world.update(&units).await, 1);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn a_freeze_is_overridden_by_who_may_and_for_a_reason() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    freeze(&world, json!({"reason": "Fair"})).await;
    let made = world
        .admin()
        .post("/api/deployment-plans", plan(json!({})))
        .await;
    let body = json!({"plan_id": made["plan_id"], "override_freeze": "the pumps flood"});
    let operator = world.app.role("operator").await;
    let path = "/api/deployments/execute";
    let (status, problem) = operator.try_post(path, body.clone()).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (403, &json!("forbidden")),
        "{problem:#}"
    );
    assert_eq!(world.offered(&units).await.len(), 0);
    world.admin().post(path, body).await;
    world.rest().await;
    assert_eq!(world.offered(&units).await.len(), 2);
    let trail = world.admin().get("/api/audit").await.to_string();
    assert!(trail.contains("the pumps flood"), "{trail}");
}

#[tokio::test]
async fn a_device_that_comes_late_during_a_freeze_is_updated_when_it_is_lifted() {
    let world = World::start("").await;
    let units = world.join("a", 3).await;
    let id = world.execute(plan(json!({}))).await;
    world.update(&units[1..]).await;
    world.pass(600).await;
    assert_eq!(world.status(&id).await, "succeeded");
    let made = freeze(&world, json!({"reason": "Fair"})).await;
    units[0].poll().await;
    world.rest().await;
    assert!(!units[0].has_offer().await);
    lift(&world, &made).await;
    assert!(units[0].has_offer().await);
}
