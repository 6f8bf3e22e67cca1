//! What follows a verdict: `on_pass`, `on_inconclusive`, and a rollout that takes too long.

use serde_json::{Value, json};

use super::{World, plan};

/// Two waves of four.
fn two_waves(changes: Value) -> Value {
    let mut plan = plan(json!({"strategy": "rolling", "batch_size": 4}));
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

#[tokio::test]
async fn after_each_wave_a_person_looks_where_the_plan_says_so() {
    let world = World::start("").await;
    let units = world.join("a", 8).await;
    let id = world.execute(two_waves(json!({"on_pass": "pause"}))).await;
    assert_eq!(world.update(&units).await, 4);
    assert_eq!(world.status(&id).await, "halted");
    world.pass(86_400).await;
    assert_eq!(world.offered(&units).await.len(), 0);
    world.tell(&id, "resume").await;
    assert_eq!(world.update(&units).await, 4);
    assert_eq!(
        world.status(&id).await,
        "succeeded",
        "nothing comes after the last"
    );
}

/// Rolls out to eight devices, of which one of the first wave comes and the others don't.
async fn nearly_nobody_comes(world: &World, then: &str) -> String {
    let units = world.join("a", 8).await;
    let id = world
        .execute(two_waves(json!({"on_inconclusive": then})))
        .await;
    world.offered(&units).await[0].update().await;
    world.pass(600).await;
    id
}

#[tokio::test]
async fn a_wave_that_tells_too_little_is_put_to_a_person() {
    let world = World::start("").await;
    let id = nearly_nobody_comes(&world, "pause").await;
    let halted = world.execution(&id).await;
    assert_eq!(
        (&halted["status"], &halted["waves"][0]["verdict"]),
        (&json!("halted"), &json!("inconclusive"))
    );
    let counts = json!({"succeeded": 1, "pending": 7});
    assert_eq!(halted["counts"], counts);
    world.tell(&id, "resume").await;
    assert_eq!(world.execution(&id).await["current_wave"], 2);
}

#[tokio::test]
async fn a_wave_that_tells_too_little_is_gone_past() {
    let world = World::start("").await;
    let id = nearly_nobody_comes(&world, "continue").await;
    let execution = world.execution(&id).await;
    assert_eq!(
        (&execution["status"], &execution["current_wave"]),
        (&json!("observing"), &json!(2))
    );
    assert_eq!(execution["waves"][1]["counts"], json!({"released": 4}));
    world.pass(600).await;
    assert_eq!(
        world.status(&id).await,
        "halted",
        "the last wave proves nothing either"
    );
}

#[tokio::test]
async fn a_wave_that_tells_too_little_goes_back() {
    let world = World::start("").await;
    let id = nearly_nobody_comes(&world, "rollback").await;
    let counts = json!({"rolling_back": 1, "cancelled": 7});
    assert_eq!(world.counts(&id).await, counts);
}

#[tokio::test]
async fn a_rollout_that_takes_too_long_halts_and_goes_on_when_told() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let slow = json!({"max_in_flight": 2, "deployment_timeout": 300});
    let id = world.execute(plan(slow)).await;
    world.pass(299).await;
    assert_eq!(world.status(&id).await, "observing");
    world.pass(1).await;
    assert_eq!(world.status(&id).await, "halted");
    assert_eq!(world.update(&units).await, 2, "what is offered stands");
    assert_eq!(world.offered(&units).await.len(), 0);
    world.tell(&id, "resume").await;
    assert_eq!(world.offered(&units).await.len(), 2);
    world.pass(299).await;
    assert_eq!(world.update(&units).await, 2);
    assert_eq!(world.status(&id).await, "succeeded");
}

#[tokio::test]
async fn time_in_the_queue_is_no_time_of_the_rollout() {
    let world = World::start("").await;
    let units = world.join("a", 1).await;
    let later = json!({"schedule": "2030-03-04T14:00:00Z", "deployment_timeout": 300});
    let id = world.execute(plan(later)).await;
    world.pass(7200).await;
    assert_eq!(world.status(&id).await, "observing");
    assert_eq!(world.update(&units).await, 1);
    assert_eq!(world.status(&id).await, "succeeded");
}
