//! Simulations: what a plan might do to its devices, without doing it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, everything, fields, plan, planned, refused};
use crate::support::{CONFIG, Client, StoppedClock, TestApp};

const NOON: &str = "2026-03-02T12:00:00Z";

/// A rolling plan for forty devices, in waves of ten.
async fn forty(app: &TestApp) -> String {
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "staging", 40).await;
    let mut rolling = plan("1.0.0", "staging");
    rolling["strategy"] = json!("rolling");
    rolling["batch_size"] = json!(10);
    planned(&admin, rolling).await
}

async fn stopped(config: &str) -> TestApp {
    let clock = StoppedClock::at(NOON).clock();
    TestApp::by(clock, config, tempfile::tempdir().unwrap()).await
}

fn path(id: &str) -> String {
    format!("/api/deployment-plans/{id}/simulate")
}

async fn simulated(client: &Client<'_>, id: &str, body: Value) -> Value {
    client.post(&path(id), body).await
}

#[tokio::test]
async fn a_sound_firmware_goes_through_and_a_bad_one_is_stopped() {
    let app = stopped(CONFIG).await;
    let id = forty(&app).await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let sound = simulated(&admin, &id, json!({})).await;
    assert_eq!(
        (&sound["waves"], &sound["devices"]),
        (&json!([10, 10, 10, 10]), &json!(40))
    );
    assert_eq!((&sound["seed"], &sound["runs"]), (&json!(1), &json!(1)));
    assert_eq!(sound["endings"], json!({"succeeded": 1}));
    let counts = ["updated", "harmed", "exposed"].map(|name| sound[name]["max"].clone());
    assert_eq!(counts, [40, 0, 40]);
    let shown = admin.get(&format!("/api/deployment-plans/{id}")).await;
    assert_eq!(
        (&sound["plan_id"], &sound["digest"]),
        (&json!(id), &shown["digest"])
    );
    let told = sound["transcript"].as_array().unwrap();
    assert!(
        told.len() > 4 && told[0]["at"].as_str().unwrap() >= NOON,
        "{told:?}"
    );

    let bad = simulated(&admin, &id, json!({"failure_rate": 100})).await;
    assert_eq!(bad["endings"], json!({"rolled_back": 1}));
    assert_eq!(bad["updated"]["max"], 0);
    let harmed = bad["harmed"]["max"].as_u64().unwrap();
    assert!((2..=10).contains(&harmed), "no second wave: {bad:#}");
    let told = bad["transcript"].to_string();
    assert!(told.contains("stopped: wave 1 has"), "{told}");
    let away = simulated(&admin, &id, json!({"offline_rate": 100})).await;
    assert_eq!(
        away["endings"],
        json!({"halted": 1}),
        "no data is never a pass"
    );
    assert_eq!(everything(&admin).await, before, "nothing is kept");
}

#[tokio::test]
async fn a_seed_tells_one_story_and_many_seeds_how_much_is_chance() {
    let app = stopped(CONFIG).await;
    let id = forty(&app).await;
    let viewer = app.role("viewer").await;
    let rates = json!({
        "failure_rate": 4, "silence_rate": 1.5, "offline_rate": 10, "slow_rate": 5, "rollback_failure_rate": 1,
        "device_seconds": 300, "seed": 7, "runs": 25,
    });
    let once = simulated(&viewer, &id, rates.clone()).await;
    assert_eq!(simulated(&viewer, &id, rates.clone()).await, once);
    let endings = once["endings"].as_object().unwrap().values();
    assert_eq!(endings.filter_map(Value::as_u64).sum::<u64>(), 25);
    let spread = ["median", "p95", "max"].map(|name| once["duration"][name].as_u64().unwrap());
    assert!(spread.is_sorted() && spread[0] > 0, "{spread:?}");
    let mut other = rates;
    other["seed"] = json!(8);
    assert_ne!(
        simulated(&viewer, &id, other).await["transcript"],
        once["transcript"]
    );
}

#[tokio::test]
async fn windows_and_freezes_hold_imagined_devices_too() {
    let nights = r#"
environments:
  staging:
    stage: staging
    deployment_window: { start_time: "22:00", end_time: "06:00", timezone: "UTC" }
"#;
    let app = stopped(nights).await;
    let (id, admin) = (forty(&app).await, app.admin());
    let opened = |found: &Value| {
        let told = found["transcript"].as_array().unwrap();
        let opened = told
            .iter()
            .find(|line| line["text"].as_str().unwrap().contains("wave 1"));
        opened.unwrap()["at"].as_str().unwrap().to_owned()
    };
    let night = simulated(&admin, &id, json!({})).await;
    assert_eq!(opened(&night), "2026-03-02T22:00:00Z", "{night:#}");
    let until = json!({"until": "2026-03-03T03:00:00Z", "reason": "r"});
    admin.post("/api/freezes", until).await;
    let frozen = simulated(&admin, &id, json!({})).await;
    assert_eq!(opened(&frozen), "2026-03-03T03:00:00Z");
    admin
        .post("/api/freezes", json!({"reason": "for ever"}))
        .await;
    let endless = simulated(&admin, &id, json!({})).await;
    assert_eq!(endless["endings"], json!({"succeeded": 1}));
    assert!(
        endless["warnings"].to_string().contains("for ever"),
        "{endless:#}"
    );
}

#[tokio::test]
async fn what_cannot_be_simulated_is_refused() {
    let app = stopped(CONFIG).await;
    let (id, admin) = (forty(&app).await, app.admin());
    let post = |id: &str, body: Value| admin.request(Method::POST, &path(id)).json(&body);
    for (body, field) in [
        (json!({"failure_rate": 101}), "failure_rate"),
        (json!({"silence_rate": -1}), "silence_rate"),
        (json!({"offline_rate": 0.001}), "offline_rate"),
        (json!({"slow_rate": 1e300}), "slow_rate"),
        (json!({"device_seconds": 0}), "device_seconds"),
        (json!({"runs": 0}), "runs"),
        (json!({"runs": 1001}), "runs"),
    ] {
        let problem = refused(post(&id, body.clone()), 422, "invalid").await;
        assert_eq!(fields(&problem), [field], "{body}");
    }
    refused(post(&id, json!({"failure": 3})), 422, "invalid").await;
    refused(post("none", json!({})), 404, "not_found").await;
    let nobody = planned(&admin, plan("1.0.0", "lab")).await;
    refused(post(&nobody, json!({})), 409, "no_devices").await;
    admin.post("/api/firmware/1.0.0/withdraw", json!({})).await;
    let problem = refused(post(&id, json!({})), 422, "invalid").await;
    assert_eq!(fields(&problem), ["firmware_version"]);
}
