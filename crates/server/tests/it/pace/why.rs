//! Why an execution does not go on and why a device is not updated: the one answer at every turn of a story, with what
//! would change it.

use reqwest::Method;
use serde_json::{Value, json};

use super::unit::Unit;
use super::{HOUR, World, plan};

/// From two to four at night.
const NIGHT: &str = r#"deployment_window: { start_time: "02:00", end_time: "04:00" }"#;

impl World {
    async fn why(&self, id: &str) -> Value {
        self.admin()
            .get(&format!("/api/deployments/{id}/why"))
            .await
    }

    async fn why_unit(&self, unit: &Unit) -> Value {
        self.admin()
            .get(&format!("/api/devices/{}/why", unit.id))
            .await
    }

    /// The same, in one execution.
    async fn why_in(&self, unit: &Unit, id: &str) -> Value {
        let path = format!("/api/devices/{}/why?execution_id={id}", unit.id);
        self.admin().get(&path).await
    }

    /// The answers for devices, in order.
    async fn answers(&self, units: &[Unit]) -> Vec<String> {
        let mut answers = Vec::new();
        for unit in units {
            let found = self.why_unit(unit).await;
            answers.push(found["answer"].as_str().unwrap().to_owned());
        }
        answers
    }
}

/// The answer, and what the text and the remedy begin with; no remedy where that is empty.
#[track_caller]
fn says(found: &Value, answer: &str, text: &str, remedy: &str) {
    assert_eq!(found["answer"], answer, "{found:#}");
    let told = |name: &str| found[name].as_str().unwrap_or_default();
    assert!(told("text").starts_with(text), "{text}: {found:#}");
    assert!(told("remedy").starts_with(remedy), "{remedy}: {found:#}");
    assert_eq!(remedy.is_empty(), found["remedy"].is_null(), "{found:#}");
    assert_eq!(found["details"]["why"], answer, "{found:#}");
}

#[tokio::test]
async fn a_closed_window_and_a_freeze_hold_everybody() {
    let world = World::start(NIGHT).await;
    let units = world.join("a", 2).await;
    let id = world.execute(plan(json!({"device_timeout": 86_400}))).await;
    let held = world.why(&id).await;
    let text = "outside the deployment window, which opens at 2030-03-05T02:00:00Z";
    says(&held, "held", text, "it goes on at 2030-03-05T02:00:00Z");
    assert_eq!(held["details"]["hold"], "window");
    assert_eq!(held["execution_id"], id.as_str());
    assert_eq!(world.execution(&id).await["why"], held["text"]);
    let unit = world.why_unit(&units[0]).await;
    let of_unit = format!("it waits for wave 1: {text}");
    says(
        &unit,
        "waits_for_wave",
        &of_unit,
        "it goes on at 2030-03-05T02:00:00Z",
    );
    assert_eq!(
        (&unit["wave"], &unit["execution_id"]),
        (&json!(1), &json!(id))
    );

    let freeze = json!({"reason": "the pumps flood"});
    let freeze = world.admin().post("/api/freezes", freeze).await;
    world.pass(14 * HOUR).await;
    let text = "a freeze is in force: the pumps flood";
    says(
        &world.why(&id).await,
        "held",
        text,
        "it goes on when the freeze is lifted",
    );
    let path = format!("/api/freezes/{}", freeze["freeze_id"].as_str().unwrap());
    world
        .admin()
        .request(Method::DELETE, &path)
        .send()
        .await
        .unwrap();
    world.pass(60).await;
    says(
        &world.why(&id).await,
        "waiting",
        "devices of wave 1 are not through",
        "",
    );
    assert_eq!(world.answers(&units).await, ["offered", "offered"]);
}

#[tokio::test]
async fn a_place_in_the_queue_and_a_schedule_hold_an_execution_before_its_devices_are_chosen() {
    let world = World::start("max_concurrent_deployments: 1").await;
    let (first, second) = (
        world.join_group("a", 1).await,
        world.join_group("b", 1).await,
    );
    world.execute(plan(json!({"device_groups": ["a"]}))).await;
    let queued = world.execute(plan(json!({"device_groups": ["b"]}))).await;
    let text = "queued with 0 before it: 1 of at most 1 run in field";
    let held = world.why(&queued).await;
    says(
        &held,
        "held",
        text,
        "it starts when those before it are over",
    );
    let shown = world.execution(&queued).await;
    assert_eq!(
        (&shown["status"], &shown["why"]),
        (&json!("queued"), &held["text"])
    );
    let text = format!("devices are chosen when the execution starts: {text}");
    let unit = world.why_unit(&second[0]).await;
    says(
        &unit,
        "not_chosen_yet",
        &text,
        "it starts when those before it are over",
    );
    let other = world.why_in(&first[0], &queued).await;
    says(
        &other,
        "other_group",
        "it belongs to none of the plan's groups: b",
        "put it into",
    );
    world.update(&first).await;
    assert_eq!(world.answers(&second).await, ["offered"]);

    let later =
        plan(json!({"firmware_version": "3.0.0", "schedule": {"at": "2030-03-04T18:00:00Z"}}));
    world.update(&second).await;
    let later = world.execute(later).await;
    let text = "scheduled for 2030-03-04T18:00:00Z";
    says(
        &world.why(&later).await,
        "held",
        text,
        "it starts by itself at 2030-03-04T18:00:00Z",
    );
    world.pass(6 * HOUR).await;
    assert_eq!(world.answers(&second).await, ["offered"]);
}

#[tokio::test]
async fn the_pace_holds_the_next_devices() {
    let world = World::start("").await;
    let units = world.join("a", 3).await;
    let id = world.execute(plan(json!({"max_in_flight": 1}))).await;
    let text = "1 devices are under way of at most 1";
    let remedy = "it goes on when devices under way are through";
    says(&world.why(&id).await, "held", text, remedy);
    let offered = world.offered(&units).await[0].clone();
    let next = units.iter().find(|unit| unit.id != offered.id).unwrap();
    let unit = world.why_unit(next).await;
    says(
        &unit,
        "waits_for_turn",
        &format!("its wave is open: {text}"),
        remedy,
    );
    world.tell(&id, "cancel").await;
    world.execute(plan(json!({"rate": 1}))).await;
    let units = world.answers(&units).await;
    let waiting = units.iter().filter(|answer| *answer == "waits_for_turn");
    assert_eq!(waiting.count(), 2, "{units:?}");
}

#[tokio::test]
async fn what_others_risk_holds_an_execution() {
    let world = World::start("blast_radius: 3").await;
    let (first, second) = (
        world.join_group("a", 2).await,
        world.join_group("b", 2).await,
    );
    world.execute(plan(json!({"device_groups": ["a"]}))).await;
    let id = world.execute(plan(json!({"device_groups": ["b"]}))).await;
    let text =
        "2 devices of the environment are not proven, 2 more would pass the blast radius of 3";
    says(
        &world.why(&id).await,
        "held",
        text,
        "it goes on when waves under way have passed",
    );
    assert_eq!(world.answers(&second).await, ["waits_for_wave"; 2]);
    world.update(&first).await;
    assert_eq!(world.answers(&second).await, ["offered"; 2]);
}

#[tokio::test]
async fn a_person_holds_an_execution() {
    let world = World::start("").await;
    let units = world.join("a", 2).await;
    let id = world
        .execute(plan(json!({"strategy": "rolling", "batch_size": 1})))
        .await;
    world.offered(&units).await[0].fetch().await;
    world.tell(&id, "pause").await;
    let why = world.why(&id).await;
    let text = "waiting for an operator: paused by admin";
    let remedy = "resume it to go on";
    assert_eq!(why["details"]["reason"], "paused");
    says(&why, "halted", text, remedy);
    let waiting = units.iter().map(|unit| world.why_unit(unit));
    let found = futures_util::future::join_all(waiting).await;
    let second = found.iter().find(|found| found["wave"] == 2).unwrap();
    says(
        second,
        "waits_for_wave",
        &format!("it waits for wave 2: {text}"),
        remedy,
    );
    world.tell(&id, "cancel").await;
    let answer = world.why(&id).await["answer"].clone();
    // It is over as soon as no device is under way.
    assert!(
        ["cancelling", "finished"].contains(&answer.as_str().unwrap()),
        "{answer}"
    );
}

#[tokio::test]
async fn a_device_is_followed_from_its_offer_to_the_end() {
    let world = World::start("").await;
    let units = world.join("a", 1).await;
    let story = plan(json!({
        "monitor_seconds": 300, "retries": {"install_failed": {"times": 1, "backoff": 60}},
    }));
    let id = world.execute(story).await;
    let offered = world.why_unit(&units[0]).await;
    says(
        &offered,
        "offered",
        "it was offered the update and has not come to fetch it, heard of last at",
        "it goes on",
    );
    let offer = units[0].fetch().await;
    let text = "it is downloading the update (attempt 1); it is given up at 2030-03-04T12:10:00Z";
    says(&world.why_unit(&units[0]).await, "under_way", text, "");
    units[0].fails(&offer).await;
    world.rest().await;
    let text = "attempt 1 failed, and it is offered the update again at 2030-03-04T12:01:00Z";
    says(
        &world.why_unit(&units[0]).await,
        "waits_for_retry",
        text,
        "",
    );
    world.pass(60).await;
    let offer = units[0].fetch().await;
    units[0].reboots(&offer).await;
    let text = "it is starting into the update (attempt 2)";
    says(&world.why_unit(&units[0]).await, "under_way", text, "");
    units[0].succeeds(&offer).await;
    world.rest().await;
    says(
        &world.why_unit(&units[0]).await,
        "updated",
        "it runs the new version",
        "",
    );
    let text = "wave 1 is through and is watched until 2030-03-04T12:06:00Z";
    says(&world.why(&id).await, "watching", text, "");

    world.tell(&id, "rollback").await;
    says(
        &world.why(&id).await,
        "rolling_back",
        "devices go back (",
        "",
    );
    says(
        &world.why_unit(&units[0]).await,
        "going_back",
        "it goes back to the version it had",
        "",
    );
    units[0].update().await;
    world.rest().await;
    says(
        &world.why(&id).await,
        "finished",
        "finished: rolled_back",
        "mend the firmware",
    );
    let back = world.why_unit(&units[0]).await;
    says(
        &back,
        "rolled_back",
        "it went back to the version it had",
        "mend the firmware",
    );
    assert_eq!(
        world.execution(&id).await["why"],
        Value::Null,
        "what became of it is its reason"
    );
}

#[tokio::test]
async fn devices_that_fail_stay_away_or_come_late_are_told_apart() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let id = world.execute(plan(json!({"device_timeout": 600}))).await;
    units[0].fail().await;
    units[1].fetch().await;
    units[2].update().await;
    world.pass(600).await;
    let expected = ["failed", "timed_out", "updated", "has_not_come"];
    assert_eq!(world.answers(&units).await, expected);
    says(
        &world.why_unit(&units[0]).await,
        "failed",
        "",
        "look at what the device says",
    );
    let away = world.why_unit(&units[3]).await;
    says(
        &away,
        "has_not_come",
        "it missed its wave and has not come since, heard of last at",
        "it gets the update when it comes",
    );
    units[3].poll().await;
    world.rest().await;
    assert_eq!(world.answers(&units[3..]).await, ["offered"]);

    let next = plan(json!({"firmware_version": "3.0.0", "offline_policy": "skip"}));
    world.execute(next).await;
    world.pass(600).await;
    let away = world.why_unit(&units[2]).await;
    says(
        &away,
        "skipped",
        "it did not come in time and was left out",
        "make a new plan",
    );
    says(
        &world.why_in(&units[2], &id).await,
        "updated",
        "it runs the new version",
        "",
    );
}

#[tokio::test]
async fn a_device_that_no_execution_has_says_why() {
    let world = World::start("").await;
    let units = world.join("a", 1).await;
    let lonely = world.why_unit(&units[0]).await;
    says(
        &lonely,
        "no_open_execution",
        "no execution runs in its environment",
        "execute a plan",
    );
    assert_eq!(lonely["execution_id"], Value::Null);

    let image = "/api/firmware?version=4.0.0&compatibility=pump";
    let admin = world.admin();
    let image = admin.request(Method::POST, image).body("an image");
    assert_eq!(admin.send(image).await.0, 201);
    let (valve, new, floored) = (
        world.unit("valve"),
        world.unit("new"),
        world.unit("floored"),
    );
    for (unit, version, more) in [
        (&valve, "1.0.0", json!({"model": "valve"})),
        (&new, "4.0.0", json!({})),
        (&floored, "5.0.0", json!({"security_floor": "5.0.0"})),
    ] {
        unit.poll().await;
        unit.says(version, more).await;
    }
    let id = world
        .execute(plan(json!({"firmware_version": "4.0.0"})))
        .await;
    let of = |unit| world.why_unit(unit);
    says(
        &of(&valve).await,
        "incompatible_hardware",
        "the firmware is not for its hardware, valve",
        "upload firmware",
    );
    says(
        &of(&new).await,
        "already_on_version",
        "it runs 4.0.0 already",
        "",
    );
    says(
        &of(&floored).await,
        "below_security_floor",
        "4.0.0 is below 5.0.0",
        "deploy a newer version",
    );
    let late = world.join("late", 1).await;
    says(
        &of(&late[0]).await,
        "joined_later",
        "it joined after the devices were chosen",
        "execute the plan again",
    );
    assert_eq!(of(&late[0]).await["execution_id"], id.as_str());
    world
        .change(&late[0], json!({"environment": "depot"}))
        .await;
    let moved = world.why_in(&late[0], &id).await;
    says(
        &moved,
        "other_environment",
        "it is in `depot`, and the execution updates `field`",
        "move it to `field`",
    );
    says(
        &of(&late[0]).await,
        "no_open_execution",
        "",
        "execute a plan",
    );
}

#[tokio::test]
async fn a_device_that_is_taken_or_beyond_the_share_says_so() {
    let world = World::start("").await;
    let units = world.join("a", 4).await;
    let half = world.execute(plan(json!({"rollout_percentage": 50}))).await;
    let mut answers = world.answers(&units).await;
    answers.sort_unstable();
    assert_eq!(answers[..2], ["beyond_rollout_percentage"; 2]);
    let mut taken = Vec::new();
    for unit in &units {
        let found = world.why_unit(unit).await;
        if found["answer"] == "offered" {
            taken.push(unit.clone());
        } else {
            says(
                &found,
                "beyond_rollout_percentage",
                "it is not among the 50 % of devices",
                "raise rollout_percentage",
            );
        }
    }
    let all = world
        .execute(plan(json!({"firmware_version": "3.0.0"})))
        .await;
    let busy = world.why_in(&taken[0], &all).await;
    says(
        &busy,
        "busy",
        &format!("it is busy with {half}"),
        &format!("it is free when {half} is over"),
    );
    world.update(&units).await;

    let broken = world
        .execute(plan(
            json!({"firmware_version": "3.0.0", "monitor_seconds": 300}),
        ))
        .await;
    assert_eq!(world.update(&taken).await, 2);
    world.tell(&broken, "rollback").await;
    assert_eq!(world.break_down(&taken).await, 2);
    let stuck = world.why_unit(&taken[0]).await;
    says(
        &stuck,
        "rollback_failed",
        "it did not go back",
        "bring it back by hand",
    );
    let next = plan(json!({"firmware_version": "1.0.0"}));
    world.execute(next).await;
    says(
        &world.why_unit(&taken[0]).await,
        "quarantined",
        "it is in quarantine",
        "repair it",
    );
}

#[tokio::test]
async fn slots_wait_for_the_switch_of_all() {
    let world = World::start("").await;
    let stages = json!({"fleetward.staging": "true"});
    let units = world.join_saying("a", 2, |_| stages.clone()).await;
    world.execute(plan(json!({"strategy": "blue_green"}))).await;
    let offer = units[0].fetch().await;
    units[0].has_it(&offer).await;
    world.rest().await;
    let filled = world.why_unit(&units[0]).await;
    let text = "it has the update in its inactive slot and waits for the switch: devices of wave 1 are not through";
    says(&filled, "waits_for_switch", text, "");
    assert_eq!(filled["details"]["because"]["why"], "waiting");
}

#[tokio::test]
async fn what_is_not_there_has_no_answer() {
    let world = World::start("").await;
    let units = world.join("a", 1).await;
    let unit = &units[0].id;
    for path in [
        "/api/deployments/none/why".to_owned(),
        "/api/devices/none/why".to_owned(),
        format!("/api/devices/{unit}/why?execution_id=none"),
    ] {
        let (status, problem) = world.admin().try_get(&path).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (404, &json!("not_found")),
            "{path}"
        );
    }
}
