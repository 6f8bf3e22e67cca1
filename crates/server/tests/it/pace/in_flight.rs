//! `max_in_flight`, as the devices see it.

use serde_json::json;

use super::{World, plan};

#[tokio::test]
async fn never_more_devices_are_under_way_than_the_plan_allows() {
    let mut world = World::start("").await;
    let units = world.join("a", 14).await;
    let id = world.execute(plan(json!({"max_in_flight": 4}))).await;
    for through in 0..units.len() {
        if through == 6 {
            world = world.restart().await;
        }
        let under_way = world.offered(&units).await;
        assert_eq!(
            under_way.len(),
            4.min(14 - through),
            "{through} are through"
        );
        let unit = under_way[through % under_way.len()];
        let offer = unit.fetch().await;
        world.rest().await;
        assert_eq!(world.offered(&units).await.len(), under_way.len());
        if through % 5 == 0 {
            unit.fails(&offer).await;
        } else {
            unit.succeeds(&offer).await;
        }
        world.rest().await;
    }
    assert_eq!(world.status(&id).await, "succeeded");
    let counts = json!({"succeeded": 11, "failed": 3});
    assert_eq!(world.counts(&id).await, counts);
}

#[tokio::test]
async fn a_device_that_stays_away_gives_its_place_to_another() {
    let world = World::start("").await;
    let units = world.join("a", 3).await;
    let id = world.execute(plan(json!({"max_in_flight": 1}))).await;
    let away = world.offered(&units).await[0];
    world.pass(599).await;
    assert_eq!(
        world.counts(&id).await,
        json!({"released": 1, "pending": 2})
    );
    world.pass(1).await;
    let others: Vec<_> = units
        .iter()
        .filter(|unit| unit.id != away.id)
        .cloned()
        .collect();
    assert_eq!(world.update(&others).await, 1);
    assert_eq!(world.update(&others).await, 1);
    assert_eq!(world.status(&id).await, "succeeded");
    assert_eq!(world.execution(&id).await["late"], 1);
}
