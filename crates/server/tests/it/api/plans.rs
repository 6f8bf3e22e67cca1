//! Plans: what they are made of, and what can't be planned.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, everything, fields, plan, refused};
use crate::support::{Client, TestApp};

const PLANS: &str = "/api/deployment-plans";

/// What is changed about a sound canary, and the field that is then named.
fn impossible() -> Vec<(Value, &'static str)> {
    let long = "n".repeat(201);
    vec![
        (json!({"name": " "}), "name"),
        (json!({"name": long}), "name"),
        (json!({"target_environment": "moon"}), "target_environment"),
        (json!({"source_environment": "moon"}), "source_environment"),
        (json!({"firmware_version": "9.9.9"}), "firmware_version"),
        (json!({"firmware_version": "0.9.0"}), "firmware_version"),
        (json!({"firmware_version": ""}), "firmware_version"),
        (json!({"rollout_percentage": 0}), "rollout_percentage"),
        (json!({"rollout_percentage": -1}), "rollout_percentage"),
        (json!({"rollout_percentage": 100.01}), "rollout_percentage"),
        (json!({"rollout_percentage": 12.345}), "rollout_percentage"),
        (json!({"rollout_percentage": 1e300}), "rollout_percentage"),
        (json!({"canary_percentage": 0}), "canary_percentage"),
        (json!({"canary_percentage": 101}), "canary_percentage"),
        (json!({"batch_percentage": 0}), "batch_percentage"),
        (json!({"batch_percentage": 0.001}), "batch_percentage"),
        (json!({"batch_size": 0}), "batch_size"),
        (json!({"strategy": "yolo"}), "strategy"),
        (json!({"strategy": "Canary"}), "strategy"),
        (json!({"canary_steps": [50, 25]}), "canary_steps"),
        (json!({"canary_steps": [50, 50]}), "canary_steps"),
        (json!({"canary_steps": [10, 50]}), "canary_steps"),
        (json!({"canary_steps": [50, 101]}), "canary_steps"),
        (
            json!({"canary_percentage": 60, "canary_steps": [50]}),
            "canary_steps",
        ),
        (json!({"offline_policy": "drop"}), "offline_policy"),
        (json!({"device_timeout": 0}), "device_timeout"),
        (json!({"device_timeout": 2_592_001}), "device_timeout"),
        (json!({"monitor_seconds": 2_592_001}), "monitor_seconds"),
        (
            criterion("max_failure_rate", json!(101)),
            "rollback_criteria.max_failure_rate",
        ),
        (
            criterion("min_judged", json!(-1)),
            "rollback_criteria.min_judged",
        ),
        // What is to come must not be taken for what is there.
        (json!({"quality_gates": ["security_scan"]}), "quality_gates"),
        (json!({"quality_gates": {}}), "quality_gates"),
        (
            criterion("health_check_failure", json!(true)),
            "rollback_criteria.health_check_failure",
        ),
        (
            criterion("performance_degradation", json!(5)),
            "rollback_criteria.performance_degradation",
        ),
        (
            criterion("user_reported_issues", json!(3)),
            "rollback_criteria.user_reported_issues",
        ),
    ]
}

fn criterion(name: &str, value: Value) -> Value {
    json!({"rollback_criteria": {name: value}})
}

/// A sound canary with other values here and there.
fn canary_with(changes: &Value) -> Value {
    let mut plan = plan("1.0.0", "staging");
    plan["strategy"] = json!("canary");
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

fn creating(client: &Client<'_>) -> reqwest::RequestBuilder {
    client.request(Method::POST, PLANS)
}

#[tokio::test]
async fn a_plan_that_cannot_be_names_the_field() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("0.9.0").await;
    admin.post("/api/firmware/0.9.0/withdraw", json!({})).await;
    admin.upload("1.0.0").await;
    let before = everything(&admin).await;
    for (changes, field) in impossible() {
        let request = creating(&admin).json(&canary_with(&changes));
        let problem = refused(request, 422, "invalid").await;
        assert!(fields(&problem).contains(&field), "{changes}: {problem:#}");
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let app = TestApp::start().await;
    let changes = json!({
        "name": "", "target_environment": "moon", "strategy": "yolo", "rollout_percentage": 101,
        "schedule": "now", "rollback_criteria": {"min_judged": 200, "user_reported_issues": 1},
    });
    let request = creating(&app.admin()).json(&canary_with(&changes));
    let problem = refused(request, 422, "invalid").await;
    let mut found = fields(&problem);
    found.sort_unstable();
    let expected = [
        "name",
        "rollback_criteria.min_judged",
        "rollback_criteria.user_reported_issues",
        "rollout_percentage",
        "schedule",
        "strategy",
        "target_environment",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_plan_in_the_wrong_shape_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let before = everything(&admin).await;
    let shapes = [
        json!({"colour": "red"}),
        json!({"rollback_criteria": {"max_failures": 3}}),
        json!({"rollout_percentage": "50"}),
        json!({"rollout_percentage": "50 %"}),
        json!({"batch_size": -1}),
        json!({"batch_size": 1.5}),
        json!({"monitor_seconds": -1}),
        json!({"canary_steps": 25}),
        json!({"device_groups": "all"}),
        json!({"auto_rollback": "yes"}),
        json!({"name": null}),
        json!({"target_environment": ["staging"]}),
    ];
    for changes in shapes {
        refused(
            creating(&admin).json(&canary_with(&changes)),
            422,
            "invalid",
        )
        .await;
    }
    for body in [
        json!([]),
        json!("plan"),
        json!(null),
        json!({}),
        json!({"name": "n"}),
    ] {
        refused(creating(&admin).json(&body), 422, "invalid").await;
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn a_plan_shows_its_waves_and_its_defaults() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "staging", 10).await;
    let cases = [
        (json!({"strategy": "immediate"}), json!([10])),
        (json!({"strategy": "blue_green"}), json!([10])),
        (
            json!({"strategy": "rolling", "batch_size": 4}),
            json!([4, 4, 2]),
        ),
        (
            json!({"strategy": "rolling", "batch_percentage": 33.33}),
            json!([4, 4, 2]),
        ),
        (json!({}), json!([1, 2, 2, 5])),
        (json!({"canary_percentage": 100}), json!([10])),
        (json!({"canary_steps": []}), json!([1, 9])),
        (json!({"canary_steps": [30]}), json!([1, 2, 7])),
        (
            json!({"rollout_percentage": 50, "canary_steps": [100]}),
            json!([1, 4]),
        ),
        (json!({"device_groups": ["none"]}), json!([])),
    ];
    for (changes, waves) in cases {
        let made = admin.post(PLANS, canary_with(&changes)).await;
        assert_eq!(made["waves"], waves, "{changes}");
    }
    let made = admin.post(PLANS, canary_with(&json!({}))).await;
    let id = made["plan_id"].as_str().unwrap();
    assert_eq!(admin.get(&format!("{PLANS}/{id}")).await, made);
    assert_eq!(
        (&made["canary_percentage"], &made["monitor_seconds"]),
        (&json!(10.0), &json!(300))
    );
    assert_eq!(made["canary_steps"], json!([25.0, 50.0, 100.0]));
    assert_eq!(
        made["rollback_criteria"],
        json!({"max_failure_rate": 10.0, "judgement": "threshold", "min_judged": 50.0})
    );
    assert_eq!(
        (&made["auto_rollback"], &made["offline_policy"]),
        (&json!(true), &json!("late"))
    );
    // A first wave of one device can't tell a bad version from a bad device.
    let warned = made["warnings"].to_string();
    let expected = "wave 1 has 1 device, so that a single failure is more than 10 % of it";
    assert!(warned.contains(expected), "{made:#}");
}
