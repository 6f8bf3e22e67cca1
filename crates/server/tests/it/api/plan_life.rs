//! The life of a plan: drafts, expiry, growth and emergencies. Edits are in `revisions`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fleetward_server::clock::Clock;
use fleetward_server::{ServeOptions, start};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{add_devices, column, everything, fields, plan, planned, refused};
use crate::support::{ADMIN, CONFIG, Client, TestApp, configuration};

pub(super) const PLANS: &str = "/api/deployment-plans";
const EXECUTE: &str = "/api/deployments/execute";

pub(super) fn path(plan: &Value, verb: &str) -> String {
    format!("{PLANS}/{}{verb}", plan["plan_id"].as_str().unwrap())
}

pub(super) fn posting(client: &Client<'_>, path: &str, body: Value) -> RequestBuilder {
    client.request(Method::POST, path).json(&body)
}

pub(super) fn executing(client: &Client<'_>, plan: &Value) -> RequestBuilder {
    posting(client, EXECUTE, json!({"plan_id": plan["plan_id"]}))
}

/// A change of `seen` to `wanted`.
pub(super) fn editing(client: &Client<'_>, seen: &Value, wanted: &Value) -> RequestBuilder {
    let tag = format!("\"{}\"", seen["digest"].as_str().unwrap());
    client
        .request(Method::PUT, &path(seen, ""))
        .header("if-match", tag)
        .json(wanted)
}

pub(super) async fn done(client: &Client<'_>, request: RequestBuilder) -> Value {
    let (status, body) = client.send(request).await;
    assert!(status.is_success(), "{status} {body:#}");
    body
}

pub(super) fn named(name: &str, environment: &str) -> Value {
    let mut plan = plan("1.0.0", environment);
    plan["name"] = json!(name);
    plan
}

pub(super) fn said(problem: &Value) -> &str {
    problem["detail"].as_str().unwrap()
}

/// What people and policies did, the newest first; what executions did on their own is not among it.
async fn audited(client: &Client<'_>) -> Vec<String> {
    let trail = client.get("/api/audit").await;
    let rows = trail["items"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["actor"] != "engine");
    rows.map(|row| row["action"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_draft_is_nobodys_business_until_it_is_submitted() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 1).await;
    let mut draft = plan("1.0.0", "production");
    draft["draft"] = json!(true);
    let made = admin.post(PLANS, draft.clone()).await;
    assert_eq!(
        (&made["status"], &made["expires_at"]),
        (&json!("draft"), &json!(null))
    );
    let approving = admin.request(Method::POST, &path(&made, "/approve"));
    let problem = refused(approving, 409, "not_pending").await;
    assert!(said(&problem).contains("submit it first"), "{problem:#}");
    let problem = refused(executing(&admin, &made), 409, "not_approved").await;
    assert!(said(&problem).contains("/submit"), "{problem:#}");

    let edited = done(
        &admin,
        editing(&admin, &made, &named("Better", "production")),
    )
    .await;
    assert_eq!(
        (&edited["status"], &edited["revision"]),
        (&json!("draft"), &json!(2))
    );
    let submitted = admin.post(&path(&made, "/submit"), json!({})).await;
    assert_eq!(submitted["status"], "pending_approval");
    assert_eq!(submitted["digest"], edited["digest"]);
    assert!(submitted["expires_at"].is_string());
    let after = everything(&admin).await;
    let again = admin.post(&path(&made, "/submit"), json!({})).await;
    assert_eq!(again, submitted);
    assert_eq!(everything(&admin).await, after);

    draft["target_environment"] = json!("staging");
    let free = admin.post(PLANS, draft).await;
    assert_eq!(free["status"], "draft");
    let free = admin.post(&path(&free, "/submit"), json!({})).await;
    assert_eq!(
        (&free["status"], &free["approved_by"]),
        (&json!("approved"), &json!("policy"))
    );
}

/// A server whose clock only moves when it is told to.
async fn with_clock(config: &str) -> (TestApp, Arc<AtomicI64>) {
    let folder = tempfile::tempdir().unwrap();
    let skipped = Arc::new(AtomicI64::new(0));
    let (begun, moved) = (Timestamp::now(), Arc::clone(&skipped));
    let clock = Clock::of(move || begun + SignedDuration::from_secs(moved.load(Ordering::SeqCst)));
    let options = ServeOptions {
        config: configuration(config),
        data_dir: folder.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        bootstrap_key: Some(ADMIN.to_owned()),
        clock,
    };
    let server = start(options).await.unwrap();
    let http = reqwest::Client::new();
    let app = TestApp {
        server,
        folder,
        http,
    };
    (app, skipped)
}

#[tokio::test]
async fn a_plan_that_waits_too_long_expires() {
    let config = CONFIG.replace("four_eyes: false", "four_eyes: false\n  expires_after: 100");
    let (app, skipped) = with_clock(&config).await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 1).await;
    let pending = admin.post(PLANS, named("Pending", "production")).await;
    let approved = admin.post(PLANS, named("Approved", "production")).await;
    admin.post(&path(&approved, "/approve"), json!({})).await;
    let mut draft = named("Draft", "production");
    draft["draft"] = json!(true);
    admin.post(PLANS, draft).await;
    let listed = async |status: &str| {
        let list = admin.get(&format!("{PLANS}?status={status}")).await;
        let names = column(&list, "name").into_iter();
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed("expired").await, Vec::<String>::new());

    skipped.store(101, Ordering::SeqCst);
    assert_eq!(listed("expired").await, ["Approved", "Pending"]);
    assert_eq!(listed("approved").await, Vec::<String>::new());
    assert_eq!(listed("draft").await, ["Draft"]);
    assert_eq!(admin.get(&path(&pending, "")).await["status"], "expired");
    let all = admin.get(PLANS).await;
    assert_eq!(column(&all, "status"), ["draft", "expired", "expired"]);
    let before = audited(&admin).await;
    assert!(!before.contains(&"plan.expire".to_owned()));

    let problem = refused(executing(&admin, &approved), 409, "not_approved").await;
    assert!(said(&problem).contains("expired: edit it"), "{problem:#}");
    let approving = admin.request(Method::POST, &path(&pending, "/approve"));
    refused(approving, 409, "not_pending").await;
    refused(executing(&admin, &approved), 409, "not_approved").await;
    let written = audited(&admin).await;
    assert_eq!(written[..2], ["plan.expire", "plan.expire"]);
    assert_eq!(written[2..], before, "each is told once");

    let renewed = editing(&admin, &approved, &named("Again", "production"));
    let renewed = done(&admin, renewed).await;
    assert_eq!(
        (&renewed["status"], &renewed["revision"]),
        (&json!("pending_approval"), &json!(2))
    );
    admin.post(&path(&approved, "/approve"), json!({})).await;
    done(&admin, executing(&admin, &approved)).await;
    skipped.store(1000, Ordering::SeqCst);
    let shown = admin.get(&path(&approved, "")).await;
    assert_eq!(shown["status"], "executed", "what is over does not expire");
}

#[tokio::test]
async fn an_approval_is_for_about_as_many_devices_as_there_were() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let approver = app.role("approver").await;
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 3).await;
    let made = admin.post(PLANS, plan("1.0.0", "production")).await;
    assert_eq!(made["approved_devices"], json!(null));
    let made = approver.post(&path(&made, "/approve"), json!({})).await;
    assert_eq!(made["approved_devices"], 3);
    for number in 0..11 {
        let device = json!({"device_id": format!("new-{number}"), "environment": "production"});
        admin.post("/api/devices", device).await;
    }
    let problem = refused(executing(&admin, &made), 409, "targets_grew").await;
    for words in [
        "for 3 devices and now matches 14",
        "the 13",
        "/approve",
        "edit it",
    ] {
        assert!(said(&problem).contains(words), "{problem:#}");
    }
    let warned = admin.get(&path(&made, "")).await["warnings"].to_string();
    assert!(warned.contains("now matches 14"), "{warned}");

    let again = approver
        .post(&path(&made, "/approve"), json!({"digest": made["digest"]}))
        .await;
    assert_eq!(
        (
            &again["revision"],
            &again["status"],
            &again["approved_devices"]
        ),
        (&json!(2), &json!("approved"), &json!(14))
    );
    let started = done(&admin, executing(&admin, &made)).await;
    assert_eq!(started["devices"], 14);
    let trail = audited(&admin).await;
    assert_eq!(
        trail[..3],
        ["execution.start", "plan.approve", "plan.renew"]
    );
}

#[tokio::test]
async fn an_emergency_is_declared_with_a_reason_by_who_may() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let operator = app.role("operator").await;
    admin.upload("1.0.0").await;
    let mut urgent = plan("1.0.0", "production");
    urgent["emergency"] = json!(true);
    let creating = |client: &Client<'_>, body: &Value| posting(client, PLANS, body.clone());
    refused(creating(&operator, &urgent), 403, "forbidden").await;
    for (field, reason) in [
        ("emergency_reason", json!(null)),
        ("emergency_reason", json!(" ")),
    ] {
        urgent["emergency_reason"] = reason;
        let problem = refused(creating(&admin, &urgent), 422, "invalid").await;
        assert_eq!(fields(&problem), [field]);
    }
    urgent["emergency_reason"] = json!("the pumps flood");
    urgent["draft"] = json!(true);
    let problem = refused(creating(&admin, &urgent), 422, "invalid").await;
    assert_eq!(fields(&problem), ["draft"]);
    urgent["draft"] = json!(false);
    let mut calm = urgent.clone();
    calm["emergency"] = json!(false);
    let problem = refused(creating(&admin, &calm), 422, "invalid").await;
    assert_eq!(fields(&problem), ["emergency_reason"]);
}

#[tokio::test]
async fn an_emergency_waits_for_nobody_and_owes_a_review() {
    let config = CONFIG.replace("four_eyes: false", "required: 2");
    let app = TestApp::with(&config).await;
    let admin = app.admin();
    let (operator, approver) = (app.role("operator").await, app.role("approver").await);
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 1).await;
    let mut urgent = plan("1.0.0", "production");
    urgent["emergency"] = json!(true);
    urgent["emergency_reason"] = json!("the pumps flood");
    let made = admin.post(PLANS, urgent).await;
    assert_eq!(
        (&made["status"], &made["approved_by"], &made["comment"]),
        (
            &json!("approved"),
            &json!("emergency"),
            &json!("the pumps flood")
        )
    );
    assert_eq!(
        (&made["review"], &made["emergency"]),
        (&json!("owed"), &json!(true))
    );
    assert_eq!(
        audited(&admin).await[..2],
        ["plan.emergency", "plan.create"]
    );
    done(&operator, executing(&operator, &made)).await;
    let owed = admin.get(&format!("{PLANS}?review=owed")).await;
    assert_eq!(
        column(&owed, "plan_id"),
        [made["plan_id"].as_str().unwrap()]
    );

    let reviewing = |client: &Client<'_>, comment: &str| {
        posting(client, &path(&made, "/review"), json!({"comment": comment}))
    };
    refused(reviewing(&operator, "fine"), 403, "forbidden").await;
    refused(reviewing(&admin, "fine"), 409, "own_plan").await;
    let problem = refused(reviewing(&approver, " "), 422, "invalid").await;
    assert_eq!(fields(&problem), ["comment"]);
    let reviewed = done(&approver, reviewing(&approver, "rightly so")).await;
    assert_eq!(
        (&reviewed["review"], &reviewed["status"]),
        (&json!("done"), &json!("executed"))
    );
    let last = &reviewed["approvals"][1];
    assert_eq!(
        (&last["by"], &last["verdict"], &last["comment"]),
        (&json!("approver"), &json!("reviewed"), &json!("rightly so"))
    );
    refused(reviewing(&approver, "again"), 409, "no_review_owed").await;
    let owed = admin.get(&format!("{PLANS}?review=owed")).await;
    assert_eq!(owed["items"], json!([]));
    assert_eq!(audited(&admin).await[0], "plan.review");
    let ordinary = planned(&admin, plan("1.0.0", "production")).await;
    let ordinary = format!("{PLANS}/{ordinary}/review");
    let ordinary = posting(&approver, &ordinary, json!({"comment": "fine"}));
    refused(ordinary, 409, "no_review_owed").await;
    let unknown = admin.request(Method::GET, &format!("{PLANS}?review=maybe"));
    assert_eq!(fields(&refused(unknown, 422, "invalid").await), ["review"]);
}
