//! Simulations of rollouts that mind where their devices are.

use serde_json::{Value, json};

use super::{World, plan};

/// What a simulation of a new plan comes to.
async fn simulated(world: &World, changes: Value) -> Value {
    let admin = world.admin();
    let made = admin.post("/api/deployment-plans", plan(changes)).await;
    let id = made["plan_id"].as_str().unwrap();
    admin
        .post(&format!("/api/deployment-plans/{id}/simulate"), json!({}))
        .await
}

#[tokio::test]
async fn devices_at_one_place_take_turns() {
    let world = World::start("").await;
    world.join_saying("a", 6, |_| json!({"site": "here"})).await;
    let seconds = async |changes: Value| {
        let found = simulated(&world, changes).await;
        assert_eq!(found["endings"], json!({"succeeded": 1}), "{found:#}");
        found["duration"]["max"].as_u64().unwrap()
    };
    let together = seconds(json!({"device_timeout": 86_400})).await;
    let one = json!({"attribute": "site", "max_percentage": 1});
    let turns = seconds(json!({"failure_domain": one, "device_timeout": 86_400})).await;
    assert!(turns > together + 5 * 60, "{turns} and {together}");
    let other = json!({"attribute": "street", "max_percentage": 1});
    let alone = seconds(json!({"failure_domain": other, "device_timeout": 86_400})).await;
    assert_eq!(alone, together, "each is a place of its own");
}

#[tokio::test]
async fn devices_have_the_windows_of_their_zones() {
    let night = r#"deployment_window: { start_time: "02:00", end_time: "04:00" }
    window_timezone: device"#;
    let world = World::at("2030-03-04T00:30:00Z", night).await;
    let names = ["Europe/Berlin", "Asia/Tokyo"];
    let zone = |n: usize| json!({"timezone": names[n % 2]});
    world.join_saying("a", 4, zone).await;
    let found = simulated(&world, json!({"device_timeout": 86_400})).await;
    let told = found["transcript"].as_array().unwrap();
    let opened = told
        .iter()
        .find(|line| line["text"].as_str().unwrap().contains("wave 1"));
    assert_eq!(opened.unwrap()["at"], "2030-03-04T01:00:00Z", "{found:#}");
    let seconds = found["duration"]["max"].as_u64().unwrap();
    assert!(
        seconds > 16 * 3_600,
        "17:00 in UTC is the night of Tokyo: {found:#}"
    );
}
