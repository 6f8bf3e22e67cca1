//! Executions: which plans may run, and what they can be told at any moment. The devices never come,
//! so that every step is a person's.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, column, everything, plan, planned, refused};
use crate::support::{CONFIG, Client, TestApp};

const EXECUTE: &str = "/api/deployments/execute";

fn executing(client: &Client<'_>, body: Value) -> reqwest::RequestBuilder {
    client.request(Method::POST, EXECUTE).json(&body)
}

fn telling(client: &Client<'_>, id: &str, word: &str) -> reqwest::RequestBuilder {
    client.request(Method::POST, &format!("/api/deployments/{id}/{word}"))
}

/// A server with devices in `staging` and an open execution there.
async fn open(app: &TestApp, devices: usize) -> String {
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "staging", devices).await;
    admin.roll_out(plan("1.0.0", "staging")).await
}

#[tokio::test]
async fn a_plan_that_may_not_run_does_not() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let ran = open(&app, 3).await;
    let ran = admin.execution(&ran).await["plan_id"].clone();
    let busy = planned(&admin, plan("1.0.0", "staging")).await;
    let empty = planned(&admin, plan("1.0.0", "lab")).await;
    let waiting = planned(&admin, plan("1.0.0", "production")).await;
    let mut unproved = plan("1.0.0", "staging");
    unproved["source_environment"] = json!("lab");
    let unproved = planned(&admin, unproved).await;
    admin.upload("1.1.0").await;
    let withdrawn = planned(&admin, plan("1.1.0", "staging")).await;
    admin.post("/api/firmware/1.1.0/withdraw", json!({})).await;

    let before = everything(&admin).await;
    let cases = [
        (
            json!({"plan_id": "plan_none"}),
            404,
            "not_found",
            "plan_none",
        ),
        (
            json!({"plan_id": waiting}),
            409,
            "not_approved",
            "needs an approval",
        ),
        (
            json!({"plan_id": ran}),
            409,
            "not_approved",
            "executed before",
        ),
        (json!({"plan_id": busy}), 409, "no_devices", "3 busy"),
        (
            json!({"plan_id": empty}),
            409,
            "no_devices",
            "no matching devices",
        ),
        (
            json!({"plan_id": unproved}),
            409,
            "not_promoted",
            "has not completed in `lab`",
        ),
        (json!({"plan_id": withdrawn}), 422, "invalid", "withdrawn"),
        (
            json!({"plan_id": busy, "force": true}),
            422,
            "invalid",
            "force",
        ),
        (json!({"plan_id": 7}), 422, "invalid", "string"),
        (json!({}), 422, "invalid", "plan_id"),
    ];
    for (body, status, code, said) in cases {
        let problem = refused(executing(&admin, body), status, code).await;
        assert!(
            problem["detail"].as_str().unwrap().contains(said),
            "{problem:#}"
        );
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn promotion_that_is_wished_for_warns_and_lets_pass() {
    let config = CONFIG.replace("stage: staging", "stage: staging\n    promotion: warn");
    let app = TestApp::with(&config).await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "staging", 1).await;
    let mut unproved = plan("1.0.0", "staging");
    unproved["source_environment"] = json!("lab");
    let made = admin.post("/api/deployment-plans", unproved).await;
    let warned = made["warnings"].to_string();
    assert!(warned.contains("has not completed in `lab`"), "{warned}");
    let (status, _) = admin
        .send(executing(&admin, json!({"plan_id": made["plan_id"]})))
        .await;
    assert_eq!(status, 202);
}

#[tokio::test]
async fn only_devices_that_fit_are_targeted_and_the_others_are_counted() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let path = "/api/firmware?version=1.0.0&compatibility=pump,valve:B";
    let (status, _) = admin
        .send(admin.request(Method::POST, path).body("an image"))
        .await;
    assert_eq!(status, 201);
    add_devices(&admin, "staging", 9).await;
    let fitting =
        json!({"device_id": "b", "environment": "staging", "model": "valve", "revision": "B"});
    admin.post("/api/devices", fitting).await;
    let mut half = plan("1.0.0", "staging");
    half["rollout_percentage"] = json!(50);
    let id = admin.roll_out(half).await;
    let shown = admin.execution(&id).await;
    assert_eq!(shown["devices"], 2);
    let excluded = json!({"incompatible_hardware": 6, "beyond_rollout_percentage": 2});
    assert_eq!(shown["excluded"], excluded);
    assert_eq!(shown["counts"], json!({"released": 2}));
}

#[tokio::test]
async fn commands_are_obeyed_and_safe_to_repeat() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let id = open(&app, 4).await;
    assert_eq!(admin.execution(&id).await["counts"], json!({"released": 4}));
    for (word, status) in [
        ("pause", "paused"),
        ("resume", "observing"),
        ("cancel", "cancelled"),
    ] {
        for _ in 0..3 {
            let (answered, shown) = admin.send(telling(&admin, &id, word)).await;
            assert_eq!(
                (answered.as_u16(), &shown["status"]),
                (200, &json!(status)),
                "{shown:#}"
            );
        }
    }
    let shown = admin.execution(&id).await;
    assert_eq!(
        (&shown["finished"], &shown["counts"]),
        (&json!(true), &json!({"cancelled": 4}))
    );
    for word in ["pause", "resume", "rollback"] {
        refused(telling(&admin, &id, word), 409, "execution_finished").await;
    }
    let found = admin.get(&format!("/api/deployments/{id}/decisions")).await;
    let expected = [
        "started",
        "released",
        "halted",
        "resumed",
        "cancel_started",
        "finished",
    ];
    assert_eq!(column(&found, "decision"), expected);
    assert_eq!(admin.execution(&id).await, shown);
}

#[tokio::test]
async fn a_rollback_with_nobody_to_bring_back_is_over_at_once() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let id = open(&app, 2).await;
    telling(&admin, &id, "pause").send().await.unwrap();
    for _ in 0..2 {
        let reason = json!({"reason": "smoke"});
        let (_, shown) = admin
            .send(telling(&admin, &id, "rollback").json(&reason))
            .await;
        assert_eq!(shown["status"], "rolled_back", "{shown:#}");
    }
    for word in ["pause", "resume", "cancel"] {
        refused(telling(&admin, &id, word), 409, "execution_finished").await;
    }
    let devices = admin.get(&format!("/api/deployments/{id}/devices")).await;
    assert_eq!(column(&devices, "status"), ["cancelled", "cancelled"]);
    let detail = admin.get("/api/devices/d-000").await;
    assert_eq!(detail["executions"][0]["execution_id"], id.as_str());
    assert_eq!(detail["attempts"][0]["state"], "closed");
    // The devices are free for the next one.
    admin.roll_out(plan("1.0.0", "staging")).await;
}

#[tokio::test]
async fn a_command_in_the_wrong_shape_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let id = open(&app, 2).await;
    let before = everything(&admin).await;
    for word in ["pause", "resume", "cancel", "rollback"] {
        let wrong = telling(&admin, &id, word).json(&json!({"reasons": "none"}));
        refused(wrong, 422, "invalid").await;
        refused(telling(&admin, "exec_none", word), 404, "not_found").await;
    }
    refused(telling(&admin, &id, "stop"), 404, "no_such_path").await;
    for filter in ["status=broken", "wave=0"] {
        let path = format!("/api/deployments/{id}/devices?{filter}");
        refused(admin.request(Method::GET, &path), 422, "invalid").await;
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn withdrawing_the_firmware_halts_what_brings_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let running = open(&app, 3).await;
    admin.upload("2.0.0").await;
    let lab = json!({"device_id": "l", "environment": "lab"});
    admin.post("/api/devices", lab).await;
    let other = admin.roll_out(plan("2.0.0", "lab")).await;
    let before = admin.execution(&other).await;

    admin
        .post(
            "/api/firmware/1.0.0/withdraw",
            json!({"reason": "it smokes"}),
        )
        .await;
    let shown = admin.execution(&running).await;
    assert_eq!(shown["status"], "halted");
    assert_eq!(shown["reason"], "the firmware was withdrawn by admin");
    assert_eq!(shown["counts"], json!({"cancelled": 3}));
    assert_eq!(admin.execution(&other).await, before);
    let after = everything(&admin).await;
    admin.post("/api/firmware/1.0.0/withdraw", json!({})).await;
    refused(
        telling(&admin, &running, "resume"),
        409,
        "firmware_withdrawn",
    )
    .await;
    assert_eq!(everything(&admin).await, after);
    telling(&admin, &running, "cancel").send().await.unwrap();
    assert_eq!(admin.outcome(&running).await["status"], "cancelled");
}

#[tokio::test]
async fn reports_and_metrics_tell_what_happened() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let ended = open(&app, 2).await;
    telling(&admin, &ended, "cancel").send().await.unwrap();
    let running = admin.roll_out(plan("1.0.0", "staging")).await;
    let report = admin.get(&format!("/api/reports/deployment/{ended}")).await;
    assert_eq!(report["execution"], admin.execution(&ended).await);
    assert_eq!(
        (&report["success_rate"], &report["failed_devices"]),
        (&json!(null), &json!([]))
    );
    assert_eq!(report["decisions"].as_array().unwrap().len(), 4);
    let summary = admin.get("/api/reports/summary?days=1").await;
    assert_eq!(summary["total_deployments"], 2);
    assert_eq!(
        summary["by_status"],
        json!({"cancelled": 1, "observing": 1})
    );
    assert_eq!(summary["by_environment"], json!({"staging": 2}));
    let metrics = admin.get("/api/metrics").await;
    assert_eq!(
        (&metrics["deployments_total"], &metrics["deployments_open"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&metrics["devices_total"], &metrics["devices_online"]),
        (&json!(2), &json!(0))
    );
    let health = admin.get("/api/health-checks").await;
    assert_eq!(health["status"], "healthy", "{health:#}");
    let environment = admin.get("/api/environments/staging").await;
    assert_eq!(environment["open_deployments"], 1);
    let listed = admin.get("/api/deployments").await;
    assert_eq!(column(&listed, "execution_id"), [running, ended]);
}
