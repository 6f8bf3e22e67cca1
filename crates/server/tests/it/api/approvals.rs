//! Approvals: for the plan that was seen, once, and never too late.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, everything, fields, plan, planned, refused};
use crate::support::TestApp;

const PLANS: &str = "/api/deployment-plans";

#[tokio::test]
async fn an_approval_is_for_the_plan_that_was_seen() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let approver = app.role("approver").await;
    admin.upload("1.0.0").await;
    let made = admin.post(PLANS, plan("1.0.0", "production")).await;
    assert_eq!(
        (&made["status"], &made["approved_by"]),
        (&json!("pending_approval"), &json!(null))
    );
    let path = format!("{PLANS}/{}/approve", made["plan_id"].as_str().unwrap());
    let approving = |body: Value| approver.request(Method::POST, &path).json(&body);

    let before = everything(&admin).await;
    refused(
        approving(json!({"digest": "0".repeat(64)})),
        409,
        "plan_changed",
    )
    .await;
    refused(approving(json!({"digest": ""})), 409, "plan_changed").await;
    refused(approving(json!({"because": "yes"})), 422, "invalid").await;
    let nowhere = approver.request(Method::POST, "/api/deployment-plans/plan_none/approve");
    refused(nowhere, 404, "not_found").await;
    assert_eq!(everything(&admin).await, before);

    let (_, first) = approver
        .send(approving(
            json!({"digest": made["digest"], "comment": "good"}),
        ))
        .await;
    assert_eq!(
        (&first["status"], &first["approved_by"]),
        (&json!("approved"), &json!("approver"))
    );
    assert_eq!(
        (&first["comment"], &first["digest"]),
        (&json!("good"), &made["digest"])
    );
    let after = everything(&admin).await;
    let again = admin.post(&path, json!({"comment": "me too"})).await;
    assert_eq!(again, first);
    refused(
        approving(json!({"digest": "0".repeat(64)})),
        409,
        "plan_changed",
    )
    .await;
    assert_eq!(everything(&admin).await, after);
}

#[tokio::test]
async fn approval_comes_from_policy_where_none_is_asked_for_and_never_too_late() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let made = admin.post(PLANS, plan("1.0.0", "lab")).await;
    assert_eq!(
        (&made["status"], &made["approved_by"]),
        (&json!("approved"), &json!("policy"))
    );

    add_devices(&admin, "production", 1).await;
    let executed = planned(&admin, plan("1.0.0", "production")).await;
    let path = format!("{PLANS}/{executed}/approve");
    admin.post(&path, json!({})).await;
    admin
        .post("/api/deployments/execute", json!({"plan_id": executed}))
        .await;
    refused(admin.request(Method::POST, &path), 409, "not_pending").await;

    let late = planned(&admin, plan("1.0.0", "production")).await;
    admin.post("/api/firmware/1.0.0/withdraw", json!({})).await;
    let path = format!("{PLANS}/{late}/approve");
    let problem = refused(admin.request(Method::POST, &path), 422, "invalid").await;
    assert_eq!(fields(&problem), ["firmware_version"]);
    assert_eq!(
        admin.get(&format!("{PLANS}/{late}")).await["status"],
        "pending_approval"
    );
}
