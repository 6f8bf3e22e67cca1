//! What was answered is still there after a restart.

use reqwest::Method;
use serde_json::json;

use super::{LISTS, add_devices, everything, plan, planned, refused};
use crate::support::{CONFIG, Client, TestApp};

/// Everything that can be read, not only lists.
async fn readable(admin: &Client<'_>, execution: &str) -> serde_json::Value {
    let mut found = vec![everything(admin).await];
    let execution = format!("/api/deployments/{execution}");
    for path in ["", "/decisions", "/devices"] {
        found.push(admin.get(&format!("{execution}{path}")).await);
    }
    for path in [
        "/api/environments",
        "/api/devices/d-000",
        "/api/reports/summary",
    ] {
        found.push(admin.get(path).await);
    }
    json!(found)
}

#[tokio::test]
async fn everything_is_still_there_and_goes_on() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let operator = admin
        .post("/api/keys", json!({"name": "op", "role": "operator"}))
        .await;
    let operator = operator["key"].as_str().unwrap().to_owned();
    add_devices(&admin, "staging", 5).await;
    let waiting = planned(&admin, plan("1.0.0", "production")).await;
    let running = admin.roll_out(plan("1.0.0", "staging")).await;
    let image = admin.request(Method::GET, "/api/firmware/1.0.0/download");
    let image = image.send().await.unwrap().bytes().await.unwrap();
    let before = readable(&admin, &running).await;

    let app = app.restart(CONFIG).await;
    let admin = app.admin();
    assert_eq!(readable(&admin, &running).await, before);
    let again = admin.request(Method::GET, "/api/firmware/1.0.0/download");
    assert_eq!(again.send().await.unwrap().bytes().await.unwrap(), image);
    let operator = app.client(&operator);
    let pause = format!("/api/deployments/{running}/pause");
    assert_eq!(operator.post(&pause, json!({})).await["status"], "paused");
    let approve = format!("/api/deployment-plans/{waiting}/approve");
    assert_eq!(admin.post(&approve, json!({})).await["status"], "approved");

    let app = app.restart(CONFIG).await;
    let admin = app.admin();
    assert_eq!(admin.execution(&running).await["status"], "paused");
    let shown = admin.get(&format!("/api/deployment-plans/{waiting}")).await;
    assert_eq!(shown["status"], "approved");
}

#[tokio::test]
async fn a_new_server_is_empty_and_every_server_is_its_own() {
    let (one, two) = tokio::join!(TestApp::start(), TestApp::start());
    one.admin().upload("1.0.0").await;
    for list in LISTS.into_iter().filter(|list| *list != "/api/keys") {
        let found = two.admin().get(list).await;
        assert_eq!(found, json!({"items": []}), "{list}");
    }
    let request = two.admin().request(Method::GET, "/api/firmware/1.0.0");
    refused(request, 404, "not_found").await;
}
