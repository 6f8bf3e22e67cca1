//! The security floor, of an environment and of a device: nobody is taken below it, on no way.

use serde_json::json;

use super::{World, plan};

#[tokio::test]
async fn a_device_is_not_taken_below_its_own_floor() {
    let world = World::start("").await;
    let floor = |n: usize| match n {
        0 => json!({"security_floor": "2.5.0"}),
        _ => json!({}),
    };
    let units = world.join_saying("a", 3, floor).await;
    let id = world.execute(plan(json!({}))).await;
    assert!(!units[0].has_offer().await);
    let execution = world.execution(&id).await;
    assert_eq!(execution["excluded"], json!({"below_security_floor": 1}));
    assert_eq!(world.update(&units).await, 2);
    let id = world
        .execute(plan(json!({"firmware_version": "3.0.0"})))
        .await;
    assert_eq!(
        world.execution(&id).await["devices"],
        3,
        "3.0.0 is above it"
    );
}

#[tokio::test]
async fn a_plan_below_the_floor_of_the_environment_is_refused() {
    let world = World::start(r#"security_floor: "2.5.0""#).await;
    world.join("a", 1).await;
    let below = plan(json!({}));
    let (status, problem) = world.admin().try_post("/api/deployment-plans", below).await;
    assert_eq!(status.as_u16(), 422, "{problem:#}");
}

#[tokio::test]
async fn a_device_whose_earlier_version_is_below_the_floor_is_named_and_stays() {
    let world = World::start(r#"security_floor: "1.5.0""#).await;
    let old = world.join("a", 1).await;
    let floored = world.unit("floored");
    let free = world.unit("free");
    world.admin().upload("1.6.0").await;
    for (unit, floor) in [
        (&floored, json!({"security_floor": "1.9.0"})),
        (&free, json!({})),
    ] {
        unit.poll().await;
        unit.says("1.6.0", floor).await;
    }
    let all = [old[0].clone(), floored.clone(), free.clone()];
    let id = world.execute(plan(json!({"monitor_seconds": 3600}))).await;
    assert_eq!(world.update(&all).await, 3);
    world.tell(&id, "rollback").await;
    assert_eq!(free.update().await.version, "1.6.0");
    world.rest().await;
    for unit in [&old[0], &floored] {
        assert!(!unit.has_offer().await);
        let part = world.part(&id, unit).await;
        assert_eq!(
            (&part["status"], &part["failure"]),
            (&json!("rollback_failed"), &json!("below_security_floor"))
        );
    }
    assert_eq!(world.status(&id).await, "rollback_incomplete");
    let named = world.admin().get("/api/devices?quarantined=true").await;
    assert_eq!(named["items"].as_array().unwrap().len(), 2);
}
