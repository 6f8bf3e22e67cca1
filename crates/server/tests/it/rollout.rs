//! Stories of rollouts: a whole server, simulated devices over HTTP, every strategy.

use std::time::Duration;

use crate::support::{GATEWAY, TestApp};
use fleetward_device_sim::{Behaviour, Credentials, Fleet, FleetHandle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn fleet(app: &TestApp, count: usize, behaviour: Behaviour) -> FleetHandle {
    named_fleet(app, "sim-", count, behaviour)
}

fn named_fleet(app: &TestApp, prefix: &str, count: usize, behaviour: Behaviour) -> FleetHandle {
    let stages = behaviour.honours_skip;
    Fleet::builder()
        .id_prefix(prefix)
        .base_url(app.url(""))
        .tenant("production")
        .count(count)
        .seed(7)
        .models([("pump", "A", 0.7), ("pump", "B", 0.3)])
        .start_version("1.0.0")
        .attributes(move |_| [("fleetward.staging".to_owned(), stages.to_string())].into())
        .credentials(Credentials::GatewayToken(GATEWAY.to_owned()))
        .behaviour(behaviour)
        .time_scale(60.0)
        .min_poll(Duration::from_millis(50))
        .first_poll_within(Duration::from_millis(200))
        .start(CancellationToken::new())
        .unwrap()
}

async fn joined(app: &TestApp, count: u64) {
    let path = "/api/environments/production";
    app.admin()
        .wait_for(path, |env| {
            env["versions"] == json!([{"version": "1.0.0", "devices": count}])
        })
        .await;
}

#[tokio::test]
async fn a_canary_goes_to_the_end_and_a_bad_one_comes_back() {
    let app = TestApp::start().await;
    let admin = app.admin();
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        admin.upload(version).await;
    }
    let mut behaviour = Behaviour::default();
    behaviour.failure_by_version.insert("1.2.0".to_owned(), 0.5);
    let mut devices = fleet(&app, 40, behaviour);
    joined(&app, 40).await;

    let plan = |version: &str| {
        json!({
            "name": format!("Rollout {version}"), "firmware_version": version,
            "target_environment": "production", "strategy": "canary", "canary_percentage": 20,
            "monitor_seconds": 1, "rollback_criteria": {"max_failure_rate": 10},
        })
    };
    let good = admin.roll_out(plan("1.1.0")).await;
    let good = admin.outcome(&good).await;
    assert_eq!(good["status"], "succeeded", "{good:#}");
    assert_eq!(good["counts"], json!({"succeeded": 40}));
    assert_eq!(good["waves"][0]["devices"], 8);

    let bad_id = admin.roll_out(plan("1.2.0")).await;
    let bad = admin.outcome(&bad_id).await;
    assert_eq!(bad["status"], "rolled_back", "{bad:#}");
    let told = admin.decisions(&bad_id).await;
    assert!(
        told.iter().any(|d| d.starts_with("stopped: wave 1 has")),
        "{told:#?}"
    );

    let environment = admin.get("/api/environments/production").await;
    assert_eq!(
        environment["versions"],
        json!([{"version": "1.1.0", "devices": 40}])
    );
    devices.stop().await;
    assert!(devices.devices().all(|device| device.version == "1.1.0"));
    assert_eq!(devices.stats().violations, 0);
}

/// Versions 1.0.0 to 1.2.0, a fleet that has joined, and a plan for it.
async fn ready(app: &TestApp, count: usize, behaviour: Behaviour) -> FleetHandle {
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        app.admin().upload(version).await;
    }
    let devices = fleet(app, count, behaviour);
    joined(app, count as u64).await;
    devices
}

fn plan(strategy: &str, more: serde_json::Value) -> serde_json::Value {
    let mut plan = json!({
        "name": "Story", "firmware_version": "1.1.0", "target_environment": "production",
        "strategy": strategy, "monitor_seconds": 1,
        "rollback_criteria": {"max_failure_rate": 10},
    });
    for (key, value) in more.as_object().unwrap() {
        plan[key] = value.clone();
    }
    plan
}

#[tokio::test]
async fn blue_green_stages_switches_and_holds_back_who_cannot_stage() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let _staging = ready(&app, 12, Behaviour::default()).await;
    let plain = Behaviour {
        honours_skip: false,
        ..Behaviour::default()
    };
    let plain = named_fleet(&app, "plain-", 4, plain);
    joined(&app, 16).await;

    let id = admin.roll_out(plan("blue_green", json!({}))).await;
    let execution = admin.outcome(&id).await;
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(execution["counts"], json!({"succeeded": 16}));
    let told = admin.decisions(&id).await;
    let filled =
        "wave 1: slots filled, 0 failed and 12 succeeded of 12; 4 held back until the switch";
    assert!(told.iter().any(|d| d == filled), "{told:#?}");
    assert!(
        told.iter()
            .any(|d| d == "wave 1: 16 devices told to switch"),
        "{told:#?}"
    );
    assert!(plain.devices().all(|device| device.version == "1.1.0"));
}

#[tokio::test]
async fn blue_green_switches_back_without_another_download() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let mut behaviour = Behaviour::default();
    behaviour.failure_by_version.insert("1.1.0".to_owned(), 0.5);
    let devices = ready(&app, 12, behaviour).await;
    let before = devices.stats().bytes_downloaded;
    let image = u64::try_from("image of version 1.1.0".len() * 100).unwrap();

    let id = admin.roll_out(plan("blue_green", json!({}))).await;
    let execution = admin.outcome(&id).await;
    assert_eq!(execution["status"], "rolled_back", "{execution:#}");
    let environment = admin.get("/api/environments/production").await;
    assert_eq!(
        environment["versions"],
        json!([{"version": "1.0.0", "devices": 12}])
    );
    let fetched = devices.stats().bytes_downloaded - before;
    assert!(
        fetched <= 12 * image,
        "nothing but green was fetched: {fetched} bytes"
    );
}

#[tokio::test]
async fn devices_that_come_late_get_the_update_when_they_come() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let devices = ready(&app, 20, Behaviour::default()).await;
    // These are known and away.
    for n in 0..3 {
        let away = json!({"device_id": format!("away-{n}"), "environment": "production",
            "model": "pump", "revision": "A"});
        admin.post("/api/devices", away).await;
    }
    let late = json!({"device_timeout": 5, "monitor_seconds": 0});
    let id = admin.roll_out(plan("immediate", late)).await;
    let execution = admin.outcome(&id).await;
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(execution["counts"], json!({"succeeded": 20, "pending": 3}));
    assert_eq!(execution["late"], 3);

    let away = named_fleet(&app, "away-", 3, Behaviour::default());
    let done = |e: &serde_json::Value| e["counts"] == json!({"succeeded": 23});
    let execution = admin.until(&id, done).await;
    assert_eq!(execution["status"], "succeeded", "the verdict stands");
    assert!(
        away.devices()
            .chain(devices.devices())
            .all(|device| device.version == "1.1.0")
    );
}

#[tokio::test]
async fn a_device_that_is_late_and_then_silent_is_given_up_and_free_for_another_rollout() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let _devices = ready(&app, 8, Behaviour::default()).await;
    let away = json!({"device_id": "away-0", "environment": "production",
        "model": "pump", "revision": "A"});
    admin.post("/api/devices", away).await;
    let late = json!({"device_timeout": 5, "monitor_seconds": 0});
    let id = admin.roll_out(plan("immediate", late)).await;
    assert_eq!(admin.outcome(&id).await["status"], "succeeded");

    let behaviour = Behaviour {
        silent_after_update: 1.0,
        ..Behaviour::default()
    };
    let _away = named_fleet(&app, "away-", 1, behaviour);
    let given_up = |e: &serde_json::Value| e["counts"]["timed_out"] == 1;
    let execution = admin.until(&id, given_up).await;
    assert_eq!(execution["status"], "succeeded", "the verdict stands");
    let next = json!({"firmware_version": "1.2.0", "device_timeout": 2});
    let id = admin.roll_out(plan("immediate", next)).await;
    assert_eq!(admin.execution(&id).await["devices"], 9);
}

#[tokio::test]
async fn a_paused_rollout_releases_nothing_and_a_rollback_brings_back_who_took_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let _devices = ready(&app, 30, Behaviour::default()).await;
    let waves = json!({"batch_size": 10, "monitor_seconds": 2});
    let id = admin.roll_out(plan("rolling", waves)).await;
    let pause = format!("/api/deployments/{id}/pause");
    admin.post(&pause, json!({"reason": "lunch"})).await;
    admin.post(&pause, json!({})).await;
    let settled = |e: &serde_json::Value| e["counts"]["succeeded"] == 10;
    let paused = admin.until(&id, settled).await;
    assert_eq!(
        (&paused["status"], &paused["counts"]["pending"]),
        (&json!("paused"), &json!(20))
    );
    assert_eq!(paused["reason"], "paused by admin");

    admin
        .post(&format!("/api/deployments/{id}/resume"), json!({}))
        .await;
    admin.until(&id, |e| e["current_wave"] == 2).await;
    admin
        .post(&format!("/api/deployments/{id}/rollback"), json!({}))
        .await;
    let end = admin.outcome(&id).await;
    assert_eq!(end["status"], "rolled_back", "{end:#}");
    let environment = admin.get("/api/environments/production").await;
    assert_eq!(
        environment["versions"],
        json!([{"version": "1.0.0", "devices": 30}])
    );
    let (status, problem) = admin
        .try_post(&format!("/api/deployments/{id}/resume"), json!({}))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("execution_finished"))
    );
}

#[tokio::test]
async fn devices_that_fall_silent_trip_and_are_named() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let mut behaviour = Behaviour::default();
    behaviour.silent_by_version.insert("1.1.0".to_owned(), 0.5);
    let _devices = ready(&app, 20, behaviour).await;
    let id = admin
        .roll_out(plan("immediate", json!({"device_timeout": 4})))
        .await;
    let execution = admin.outcome(&id).await;
    assert_eq!(execution["status"], "rollback_incomplete", "{execution:#}");
    let silent = execution["counts"]["rollback_failed"].as_u64().unwrap();
    let path = format!("/api/deployments/{id}/devices?status=rollback_failed");
    let named = admin.get(&path).await;
    assert_eq!(named["items"].as_array().unwrap().len() as u64, silent);
    let quarantined = admin.get("/api/devices?quarantined=true").await;
    assert_eq!(
        quarantined["items"].as_array().unwrap().len() as u64,
        silent
    );
}

#[tokio::test]
async fn a_rollout_goes_on_after_a_restart() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let _devices = ready(&app, 10, Behaviour::default()).await;
    let id = admin
        .roll_out(plan(
            "rolling",
            json!({"batch_size": 5, "monitor_seconds": 3}),
        ))
        .await;
    admin.until(&id, |e| e["counts"]["succeeded"] == 5).await;
    let before = admin.decisions(&id).await;
    let app = app.restart(crate::support::CONFIG).await;
    // The port is another one, so that the devices of before can't come: others with their ids do.
    let _devices = fleet(&app, 10, Behaviour::default());
    let execution = app.admin().outcome(&id).await;
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    let after = app.admin().decisions(&id).await;
    assert_eq!(after[..before.len()], before);
}
