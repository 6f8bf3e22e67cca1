//! Approvals: for the plan that was seen, once, and never too late.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, everything, fields, plan, planned, refused};
use crate::support::{CONFIG, TestApp};

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

#[tokio::test]
async fn as_many_people_as_are_asked_for_agree_and_the_author_is_none_of_them() {
    let config = CONFIG.replace("four_eyes: false", "required: 2");
    let app = TestApp::with(&config).await;
    let admin = app.admin();
    // They have one name and are two.
    let (first, second) = (app.role("approver").await, app.role("approver").await);
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 1).await;
    let made = admin.post(PLANS, plan("1.0.0", "production")).await;
    assert_eq!(
        (&made["approvals_required"], &made["approvals_missing"]),
        (&json!(2), &json!(2))
    );
    let path = format!("{PLANS}/{}", made["plan_id"].as_str().unwrap());
    let approve = format!("{path}/approve");
    let problem = refused(admin.request(Method::POST, &approve), 409, "own_plan").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("ask somebody else"), "{detail}");

    let half = first.post(&approve, json!({"comment": "one"})).await;
    assert_eq!(
        (&half["status"], &half["approvals_missing"]),
        (&json!("pending_approval"), &json!(1))
    );
    let problem = refused(
        first.request(Method::POST, &approve),
        409,
        "approved_before",
    )
    .await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("by somebody else"), "{detail}");
    let order = json!({"plan_id": made["plan_id"]});
    let executing = admin.request(Method::POST, "/api/deployments/execute");
    refused(executing.json(&order), 409, "not_approved").await;

    let whole = second.post(&approve, json!({"comment": "two"})).await;
    assert_eq!(
        (&whole["status"], &whole["approvals_missing"]),
        (&json!("approved"), &json!(0))
    );
    let comments = whole["approvals"].as_array().unwrap().iter();
    let comments: Vec<_> = comments.map(|row| &row["comment"]).collect();
    assert_eq!(comments, ["one", "two"]);
    assert_eq!(whole["approvals"][0]["digest"], made["digest"]);
    admin.post("/api/deployments/execute", order).await;

    let lab = admin.post(PLANS, plan("1.0.0", "lab")).await;
    assert_eq!(
        (&lab["status"], &lab["approvals_required"]),
        (&json!("approved"), &json!(0))
    );
}

#[tokio::test]
async fn a_rejected_plan_says_why_and_can_be_made_better() {
    let app = TestApp::start().await;
    let (admin, approver) = (app.admin(), app.role("approver").await);
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 1).await;
    let made = admin.post(PLANS, plan("1.0.0", "production")).await;
    let path = format!("{PLANS}/{}", made["plan_id"].as_str().unwrap());
    let rejecting = |body: Value| {
        let request = approver.request(Method::POST, &format!("{path}/reject"));
        request.json(&body)
    };
    approver.post(&format!("{path}/approve"), json!({})).await;
    let before = everything(&admin).await;
    refused(rejecting(json!({})), 422, "invalid").await;
    let problem = refused(rejecting(json!({"reason": "  "})), 422, "invalid").await;
    assert_eq!(fields(&problem), ["reason"]);
    assert_eq!(everything(&admin).await, before);

    let (_, rejected) = approver
        .send(rejecting(json!({"reason": "not on a Friday"})))
        .await;
    assert_eq!(
        (&rejected["status"], &rejected["approved_by"]),
        (&json!("rejected"), &json!(null))
    );
    let last = &rejected["approvals"][1];
    assert_eq!(
        (&last["verdict"], &last["comment"]),
        (&json!("rejected"), &json!("not on a Friday"))
    );
    let after = everything(&admin).await;
    let (_, again) = approver.send(rejecting(json!({"reason": "no"}))).await;
    assert_eq!(again, rejected);
    assert_eq!(everything(&admin).await, after);
    let approving = approver.request(Method::POST, &format!("{path}/approve"));
    refused(approving, 409, "not_pending").await;
    let executing = admin.request(Method::POST, "/api/deployments/execute");
    let executing = executing.json(&json!({"plan_id": made["plan_id"]}));
    let problem = refused(executing, 409, "not_approved").await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("rejected: edit it"), "{detail}");

    let editing = admin.request(Method::PUT, &path).header("if-match", "*");
    let (_, edited) = admin.send(editing.json(&plan("1.0.0", "production"))).await;
    assert_eq!(
        (&edited["status"], &edited["revision"], &edited["approvals"]),
        (&json!("pending_approval"), &json!(2), &json!([]))
    );
}
