//! Requests that come twice: by a client that lost the answer, or by several at once.

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{add_devices, column, everything, plan, refused};
use crate::support::{CONFIG, Client, TestApp};

const KEY: &str = "idempotency-key";
const PLANS: &str = "/api/deployment-plans";
const EXECUTE: &str = "/api/deployments/execute";

fn keyed(client: &Client<'_>, key: &str, path: &str, body: &Value) -> RequestBuilder {
    let request = client.request(Method::POST, path).header(KEY, key);
    request.json(body)
}

async fn ready(app: &TestApp) {
    app.admin().upload("1.0.0").await;
    add_devices(&app.admin(), "staging", 3).await;
}

#[tokio::test]
async fn a_repeat_gets_the_answer_of_the_first_and_does_nothing() {
    let app = TestApp::start().await;
    ready(&app).await;
    let admin = app.admin();
    let plan = plan("1.0.0", "staging");
    let first = admin.send(keyed(&admin, "a", PLANS, &plan)).await;
    assert_eq!(first.0, 201);
    let order = json!({"plan_id": first.1["plan_id"]});
    let started = admin.send(keyed(&admin, "b", EXECUTE, &order)).await;
    assert_eq!(started.0, 202);
    let pause = format!(
        "/api/deployments/{}/pause",
        started.1["execution_id"].as_str().unwrap()
    );
    let paused = admin.send(keyed(&admin, "c", &pause, &json!({}))).await;
    let resume = pause.replace("/pause", "/resume");
    admin.post(&resume, json!({})).await;
    let device = json!({"device_id": "new", "environment": "lab"});
    let added = admin
        .send(keyed(&admin, "d", "/api/devices", &device))
        .await;
    let after = everything(&admin).await;

    assert_eq!(admin.send(keyed(&admin, "a", PLANS, &plan)).await, first);
    assert_eq!(
        admin.send(keyed(&admin, "b", EXECUTE, &order)).await,
        started
    );
    // The answer is the one of then: the execution is not paused again.
    assert_eq!(
        admin.send(keyed(&admin, "c", &pause, &json!({}))).await,
        paused
    );
    let (status, again) = admin
        .send(keyed(&admin, "d", "/api/devices", &device))
        .await;
    assert_eq!(
        (status, &again["device_id"]),
        (added.0, &added.1["device_id"])
    );
    assert_eq!(again["token"], json!(null), "a secret is shown once");
    assert_eq!(everything(&admin).await, after);

    let app = app.restart(CONFIG).await;
    let admin = app.admin();
    assert_eq!(admin.send(keyed(&admin, "a", PLANS, &plan)).await, first);
    assert_eq!(everything(&admin).await, after);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let app = TestApp::start().await;
    ready(&app).await;
    let admin = app.admin();
    let made = plan("1.0.0", "staging");
    let (_, first) = admin.send(keyed(&admin, "a", PLANS, &made)).await;
    let before = everything(&admin).await;
    let order = json!({"plan_id": first["plan_id"]});
    let others = [
        keyed(&admin, "a", PLANS, &plan("1.0.0", "lab")),
        keyed(&admin, "a", EXECUTE, &order),
        keyed(&admin, "a", &format!("{PLANS}?dry=1"), &made),
        keyed(&admin, "a", "/api/firmware/1.0.0/withdraw", &json!({})),
    ];
    for other in others {
        refused(other, 422, "idempotency_key_reused").await;
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn an_upload_is_the_same_request_only_with_the_same_image() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let sending = |image: &'static str| {
        let path = "/api/firmware?version=1.0.0";
        admin
            .request(Method::POST, path)
            .header(KEY, "a")
            .body(image)
    };
    let first = admin.send(sending("an image")).await;
    assert_eq!(first.0, 201);
    let after = everything(&admin).await;
    assert_eq!(admin.send(sending("an image")).await, first);
    refused(sending("another image"), 422, "idempotency_key_reused").await;
    assert_eq!(everything(&admin).await, after);
}

#[tokio::test]
async fn what_was_refused_is_not_kept() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let body = plan("1.0.0", "staging");
    refused(keyed(&admin, "a", PLANS, &body), 422, "invalid").await;
    admin.upload("1.0.0").await;
    let (status, _) = admin.send(keyed(&admin, "a", PLANS, &body)).await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn everyone_has_keys_of_their_own() {
    let app = TestApp::start().await;
    ready(&app).await;
    let (operator, viewer) = (app.role("operator").await, app.role("viewer").await);
    let admin = app.admin();
    let body = plan("1.0.0", "staging");
    let (_, one) = admin.send(keyed(&admin, "a", PLANS, &body)).await;
    let (status, two) = operator.send(keyed(&operator, "a", PLANS, &body)).await;
    assert_eq!(status, 201);
    assert_ne!(one["plan_id"], two["plan_id"]);
    refused(keyed(&viewer, "a", PLANS, &body), 403, "forbidden").await;
}

#[tokio::test]
async fn ten_at_once_are_one() {
    let app = TestApp::start().await;
    ready(&app).await;
    let admin = app.admin();
    let at_once = async |path: &str, body: Value| {
        let same = (0..10).map(|_| admin.send(keyed(&admin, path, path, &body)));
        let mut answers = join_all(same).await;
        let first = answers.pop().unwrap();
        assert!(first.0.is_success(), "{first:?}");
        assert!(
            answers.iter().all(|answer| *answer == first),
            "{answers:#?}"
        );
        first.1
    };
    let made = at_once(PLANS, plan("1.0.0", "staging")).await;
    let started = at_once(EXECUTE, json!({"plan_id": made["plan_id"]})).await;
    assert_eq!(
        column(&admin.get(PLANS).await, "plan_id"),
        [made["plan_id"].as_str().unwrap()]
    );
    let running = admin.get("/api/deployments").await;
    assert_eq!(
        column(&running, "execution_id"),
        [started["execution_id"].as_str().unwrap()]
    );
    let audit = admin.get("/api/audit").await;
    let count = |action| {
        column(&audit, "action")
            .iter()
            .filter(|a| **a == action)
            .count()
    };
    assert_eq!((count("plan.create"), count("execution.start")), (1, 1));
}

#[tokio::test]
async fn ten_executions_at_once_without_a_key_start_one() {
    let app = TestApp::start().await;
    ready(&app).await;
    let admin = app.admin();
    let id = super::planned(&admin, plan("1.0.0", "staging")).await;
    let order = json!({ "plan_id": id });
    let same = (0..10).map(|_| admin.try_post(EXECUTE, order.clone()));
    let answers = join_all(same).await;
    let started = answers.iter().filter(|(status, _)| *status == 202).count();
    let refused = answers
        .iter()
        .filter(|(_, body)| body["code"] == "not_approved")
        .count();
    assert_eq!((started, refused), (1, 9), "{answers:#?}");
    assert_eq!(
        admin.get("/api/deployments").await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
