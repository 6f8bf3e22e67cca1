//! The audit: every change once, in the order in which it was made, with who made it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{plan, planned, refused};
use crate::support::TestApp;

/// Who did what, oldest first.
fn told(list: &Value) -> Vec<(&str, &str)> {
    let rows = list["items"].as_array().unwrap().iter().rev();
    rows.map(|row| {
        (
            row["actor"].as_str().unwrap(),
            row["action"].as_str().unwrap(),
        )
    })
    .collect()
}

#[tokio::test]
async fn every_change_is_told_once_and_in_order() {
    let app = TestApp::start().await;
    let (operator, approver) = (app.role("operator").await, app.role("approver").await);
    let admin = app.admin();
    operator.upload("1.0.0").await;
    let device = json!({"device_id": "d", "environment": "lab"});
    operator.post("/api/devices", device).await;
    let change = operator.request(Method::PATCH, "/api/devices/d");
    operator
        .send(change.json(&json!({"environment": "production"})))
        .await;
    let plan_id = planned(&operator, plan("1.0.0", "production")).await;
    let path = format!("/api/deployment-plans/{plan_id}/approve");
    approver.post(&path, json!({"comment": "go"})).await;
    let order = json!({ "plan_id": plan_id });
    let started = operator.post("/api/deployments/execute", order).await;
    let id = started["execution_id"].as_str().unwrap();
    let tell = |word: &str| format!("/api/deployments/{id}/{word}");
    approver
        .post(&tell("pause"), json!({"reason": "lunch"}))
        .await;
    operator.post(&tell("resume"), json!({})).await;
    operator
        .post("/api/firmware/1.0.0/withdraw", json!({}))
        .await;
    admin.post(&tell("rollback"), json!({})).await;
    let key = admin
        .post("/api/keys", json!({"name": "n", "role": "viewer"}))
        .await;
    let revoke = format!("/api/keys/{}", key["key_id"].as_str().unwrap());
    admin.request(Method::DELETE, &revoke).send().await.unwrap();

    let audit = admin.get("/api/audit").await;
    let expected = [
        ("admin", "key.create"),
        ("admin", "key.create"),
        ("operator", "firmware.upload"),
        ("operator", "device.add"),
        ("operator", "device.change"),
        ("operator", "plan.create"),
        ("approver", "plan.approve"),
        ("operator", "execution.start"),
        ("engine", "execution.started"),
        ("engine", "execution.released"),
        ("approver", "execution.pause"),
        ("engine", "execution.halted"),
        ("operator", "execution.resume"),
        ("engine", "execution.resumed"),
        ("operator", "firmware.withdraw"),
        ("engine", "execution.halted"),
        ("admin", "execution.rollback"),
        ("engine", "execution.rollback_started"),
        ("engine", "execution.rollback_finished"),
        ("engine", "execution.finished"),
        ("admin", "key.create"),
        ("admin", "key.revoke"),
    ];
    assert_eq!(told(&audit), expected);
    let rows = audit["items"].as_array().unwrap();
    for (row, number) in rows.iter().rev().zip(1..) {
        assert_eq!(row["number"], number);
        let source = if row["actor"] == "engine" {
            "driver"
        } else {
            "127.0.0.1"
        };
        assert_eq!(row["source"], source, "{row:#}");
    }
    let about = admin.get(&format!("/api/audit?object={plan_id}")).await;
    assert_eq!(
        told(&about),
        [("operator", "plan.create"), ("approver", "plan.approve")]
    );
    assert_eq!(about["items"][0]["detail"]["comment"], "go");
    let about = admin.get(&format!("/api/audit?object={id}")).await;
    assert_eq!(told(&about).len(), 12);
    let paused = about["items"].as_array().unwrap().iter();
    let paused = paused.filter(|row| row["action"] == "execution.pause");
    assert_eq!(
        paused
            .map(|row| &row["detail"]["reason"])
            .collect::<Vec<_>>(),
        ["lunch"]
    );
}

#[tokio::test]
async fn what_changes_nothing_is_not_told() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    super::add_devices(&admin, "production", 1).await;
    let plan_id = planned(&admin, plan("1.0.0", "production")).await;
    let approve = format!("/api/deployment-plans/{plan_id}/approve");
    admin.post(&approve, json!({})).await;
    let order = json!({ "plan_id": plan_id });
    let started = admin.post("/api/deployments/execute", order).await;
    let started = started["execution_id"].as_str().unwrap();
    let before = admin.get("/api/audit").await;
    let resume = format!("/api/deployments/{started}/resume");
    let wrong = json!({"colour": "red"});
    refused(
        admin.request(Method::POST, &resume).json(&wrong),
        422,
        "invalid",
    )
    .await;
    admin.upload("1.0.0").await;
    refused(admin.request(Method::POST, &approve), 409, "not_pending").await;
    refused(
        admin.request(Method::DELETE, "/api/keys/none"),
        404,
        "not_found",
    )
    .await;
    assert_eq!(admin.get("/api/audit").await, before);
}
