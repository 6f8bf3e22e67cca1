//! Previews: what a plan would do, before it does it and without doing it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, everything, fields, plan, planned, refused};
use crate::support::{CONFIG, Client, StoppedClock, TestApp};

const PLANS: &str = "/api/deployment-plans";
const PREVIEW: &str = "/api/deployment-plans/preview";
/// A Monday.
const NOON: &str = "2026-03-02T12:00:00Z";

/// An environment that releases at night.
const NIGHTS: &str = r#"
environments:
  staging:
    stage: staging
    deployment_window: { start_time: "22:00", end_time: "06:00", timezone: "UTC" }
"#;

async fn stopped(config: &str) -> TestApp {
    let clock = StoppedClock::at(NOON).clock();
    let app = TestApp::by(clock, config, tempfile::tempdir().unwrap()).await;
    app.admin().upload("1.0.0").await;
    app
}

/// A plan for staging with other values here and there.
fn with(changes: &Value) -> Value {
    let mut plan = plan("1.0.0", "staging");
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

async fn previewed(client: &Client<'_>, changes: Value) -> Value {
    client.post(PREVIEW, with(&changes)).await
}

fn excluded<'a>(preview: &'a Value, reason: &str) -> &'a Value {
    let rows = preview["excluded"].as_array().unwrap().iter();
    let mut rows = rows.filter(|row| row["reason"] == reason);
    rows.next()
        .unwrap_or_else(|| panic!("{reason}: {preview:#}"))
}

#[tokio::test]
async fn every_device_is_in_a_wave_or_left_out_for_a_reason() {
    let app = stopped(CONFIG).await;
    let admin = app.admin();
    let image = "/api/firmware?version=1.1.0&compatibility=pump,valve:B";
    let image = admin.request(Method::POST, image).body("an image");
    assert_eq!(admin.send(image).await.0, 201);
    add_devices(&admin, "staging", 9).await;
    let fitting =
        json!({"device_id": "b", "environment": "staging", "model": "valve", "revision": "B"});
    admin.post("/api/devices", fitting).await;
    let rolling = json!({
        "firmware_version": "1.1.0", "strategy": "rolling", "batch_size": 2, "rollout_percentage": 75,
    });
    let before = everything(&admin).await;
    let found = previewed(&admin, rolling.clone()).await;
    assert_eq!(everything(&admin).await, before, "nothing is kept");
    let counts = ["considered", "matching", "targeted", "offline"].map(|name| &found[name]);
    assert_eq!(counts, [&json!(10), &json!(4), &json!(3), &json!(3)]);
    assert_eq!(
        found["waves"][0]["strata"],
        json!({"pump": 1, "valve:B": 1})
    );
    let sizes: Vec<&Value> = found["waves"].as_array().unwrap().iter().collect();
    let sizes: Vec<&Value> = sizes.iter().map(|wave| &wave["devices"]).collect();
    assert_eq!(sizes, [2, 1]);
    let unfit = excluded(&found, "incompatible_hardware");
    assert_eq!(unfit["devices"], 6);
    assert_eq!(unfit["examples"].as_array().unwrap().len(), 5, "{unfit}");
    assert_eq!(excluded(&found, "beyond_rollout_percentage")["devices"], 1);

    let id = planned(&admin, with(&rolling)).await;
    let mut stored = admin.get(&format!("{PLANS}/{id}/preview")).await;
    let shown = admin.get(&format!("{PLANS}/{id}")).await;
    assert_eq!(stored["digest"], shown["digest"]);
    assert_eq!(
        (&stored["plan_id"], &stored["revision"]),
        (&json!(id), &json!(1))
    );
    for name in ["digest", "plan_id", "revision"] {
        stored.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(stored, found, "stored or not is all the same");
}

#[tokio::test]
async fn devices_of_others_are_busy() {
    let app = stopped(CONFIG).await;
    let admin = app.admin();
    admin.upload("1.1.0").await;
    add_devices(&admin, "staging", 4).await;
    admin
        .roll_out(with(&json!({"rollout_percentage": 50})))
        .await;
    let found = previewed(&admin, json!({"firmware_version": "1.1.0"})).await;
    let busy = excluded(&found, "busy");
    assert_eq!(
        (&busy["devices"], &found["targeted"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(busy["examples"].as_array().unwrap().len(), 2, "{busy}");
    assert_eq!(found["matching"], 4);
}

#[tokio::test]
async fn the_timetable_knows_windows_freezes_and_the_start() {
    let app = stopped(NIGHTS).await;
    let admin = app.admin();
    add_devices(&admin, "staging", 10).await;
    let canary = |more: Value| {
        let mut plan = json!({"strategy": "canary", "canary_steps": [100], "monitor_seconds": 300});
        for (name, value) in more.as_object().unwrap() {
            plan[name] = value.clone();
        }
        plan
    };
    let times = |found: &Value, wave: usize| {
        let names = ["opens_at", "released_by", "settled_by", "passes_at"];
        let wave = found["waves"][wave].clone();
        names.map(|name| wave[name].as_str().unwrap()[8..16].to_owned())
    };
    let night = previewed(&admin, canary(json!({}))).await;
    assert_eq!(
        times(&night, 0),
        ["02T22:00", "02T22:00", "02T22:10", "02T22:15"]
    );
    assert_eq!(
        times(&night, 1),
        ["02T22:15", "02T22:15", "02T22:25", "02T22:30"]
    );
    let held = [0, 1].map(|wave: usize| night["waves"][wave]["held_by_window"].clone());
    assert_eq!(held, [true, false]);
    assert_eq!(
        (&night["starts_at"], &night["takes"]),
        (&json!(NOON), &json!(37_800))
    );

    let at = json!({"schedule": {"at": "2026-03-03T23:30:00Z"}});
    let later = previewed(&admin, canary(at)).await;
    assert_eq!(later["starts_at"], "2026-03-03T23:30:00Z");
    assert_eq!(times(&later, 0)[0], "03T23:30");
    let past = json!({"schedule": {"at": "2020-01-01T00:00:00Z"}});
    assert_eq!(previewed(&admin, canary(past)).await["starts_at"], NOON);

    let freeze =
        json!({"from": "2026-03-02T21:00:00Z", "until": "2026-03-02T23:00:00Z", "reason": "r"});
    admin.post("/api/freezes", freeze).await;
    let frozen = previewed(&admin, canary(json!({}))).await;
    assert_eq!(times(&frozen, 0)[0], "02T23:00");
    let urgent = json!({"emergency": true, "emergency_reason": "r"});
    let urgent = previewed(&admin, canary(urgent)).await;
    assert_eq!(
        times(&urgent, 0)[0],
        "02T12:00",
        "no window holds an emergency"
    );
}

#[tokio::test]
async fn a_plan_is_shown_with_the_warnings_of_its_preview() {
    let app = stopped(CONFIG).await;
    let admin = app.admin();
    let nobody = previewed(&admin, json!({})).await;
    let said = "no device of the environment would be updated now";
    assert!(nobody["warnings"].to_string().contains(said), "{nobody:#}");
    add_devices(&admin, "staging", 30).await;
    let body = json!({
        "strategy": "rolling", "batch_size": 5, "source_environment": "lab", "deployment_timeout": 60,
        "rollback_criteria": {"max_failure_rate": 10},
    });
    let found = previewed(&admin, body.clone()).await;
    let made = admin.post(PLANS, with(&body)).await;
    let mut warnings = found["warnings"].as_array().unwrap().clone();
    for words in [
        "a single failure is more than 10 % of it",
        "longer than its deployment_timeout of 1 min",
        "has not completed in `lab`",
        "wave 1 has 5 devices, of which 5 were not heard of",
    ] {
        let told = found["warnings"].to_string();
        assert!(told.contains(words), "{words}: {told}");
    }
    warnings.retain(|said| !said.to_string().contains("not heard of"));
    assert_eq!(
        made["warnings"],
        json!(warnings),
        "who comes is no matter of the plan"
    );
}

#[tokio::test]
async fn the_harm_and_the_lines_of_a_sequential_plan_are_told() {
    let app = stopped(CONFIG).await;
    let admin = app.admin();
    add_devices(&admin, "staging", 40).await;
    let judged = |judgement: &str, limit: u32| {
        json!({
            "strategy": "rolling", "batch_size": 20,
            "rollback_criteria": {"judgement": judgement, "max_failure_rate": limit},
        })
    };
    let threshold = previewed(&admin, judged("threshold", 10)).await;
    assert_eq!(threshold["boundary"], Value::Null);
    assert_eq!(
        (&threshold["harm"]["all_fail"], &threshold["harm"]["hidden"]),
        (&json!(20), &json!(4))
    );
    let told = threshold["harm"]["explanation"].as_str().unwrap();
    assert!(told.contains("3 failures stop it in wave 1"), "{told}");

    let sequential = previewed(&admin, judged("sequential", 10)).await;
    let rows = sequential["boundary"]["rows"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["failures"], &rows[0]["rolls_back_through"]),
        (&json!(0), &Value::Null)
    );
    assert!(rows[0]["passes_from"].as_u64().unwrap() > 1, "{rows:?}");
    let stops = rows.iter().find(|row| row["rolls_back_through"].is_u64());
    assert!(stops.is_some(), "{rows:?}");
}

#[tokio::test]
async fn a_preview_is_for_who_may_see_it_and_of_what_can_be() {
    let app = stopped(CONFIG).await;
    let (admin, operator) = (app.admin(), app.role("operator").await);
    let viewer = app.role("viewer").await;
    let post = |client: &Client<'_>, body: &Value| client.request(Method::POST, PREVIEW).json(body);
    refused(post(&viewer, &with(&json!({}))), 403, "forbidden").await;
    let urgent = with(&json!({"emergency": true}));
    let (status, body) = operator.send(post(&operator, &urgent)).await;
    assert_eq!(status, 200, "looking at an emergency declares none: {body}");
    let wrong = with(&json!({"strategy": "yolo", "rollout_percentage": 0}));
    let problem = refused(post(&operator, &wrong), 422, "invalid").await;
    assert_eq!(fields(&problem), ["strategy", "rollout_percentage"]);
    let missing = with(&json!({"firmware_version": "9.9.9"}));
    let problem = refused(post(&operator, &missing), 422, "invalid").await;
    assert_eq!(fields(&problem), ["firmware_version"]);

    let id = planned(&operator, with(&json!({}))).await;
    let path = format!("{PLANS}/{id}/preview");
    viewer.get(&path).await;
    admin.post("/api/firmware/1.0.0/withdraw", json!({})).await;
    let problem = refused(viewer.request(Method::GET, &path), 422, "invalid").await;
    assert_eq!(fields(&problem), ["firmware_version"]);
}
