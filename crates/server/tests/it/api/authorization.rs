//! Who may do what: every operation of the API with every role. An operation that is not in the table
//! fails the test.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::{everything, refused};
use crate::support::TestApp;

/// An operation, who may do it, the status it then has for something that can't be, and a body.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    u16,
    &'static str,
);

const ALL: &[&str] = &["viewer", "operator", "approver", "admin"];
const SHIP: &[&str] = &["operator", "admin"];
const STOP: &[&str] = &["operator", "approver", "admin"];
const APPROVE: &[&str] = &["approver", "admin"];
const ADMIN: &[&str] = &["admin"];

const TABLE: &[Row] = &[
    ("GET", "/api/environments", ALL, 200, ""),
    ("GET", "/api/environments/{environment_name}", ALL, 404, ""),
    ("POST", "/api/deployment-plans", SHIP, 422, NO_PLAN),
    ("GET", "/api/deployment-plans", ALL, 200, ""),
    ("GET", "/api/deployment-plans/{plan_id}", ALL, 404, ""),
    (
        "POST",
        "/api/deployment-plans/{plan_id}/approve",
        APPROVE,
        404,
        "",
    ),
    (
        "POST",
        "/api/deployments/execute",
        SHIP,
        404,
        r#"{"plan_id":"none"}"#,
    ),
    ("GET", "/api/deployments", ALL, 200, ""),
    ("GET", "/api/deployments/{execution_id}", ALL, 404, ""),
    (
        "POST",
        "/api/deployments/{execution_id}/pause",
        STOP,
        404,
        "",
    ),
    (
        "POST",
        "/api/deployments/{execution_id}/resume",
        SHIP,
        404,
        "",
    ),
    (
        "POST",
        "/api/deployments/{execution_id}/cancel",
        STOP,
        404,
        "",
    ),
    (
        "POST",
        "/api/deployments/{execution_id}/rollback",
        STOP,
        404,
        "",
    ),
    (
        "GET",
        "/api/deployments/{execution_id}/decisions",
        ALL,
        404,
        "",
    ),
    (
        "GET",
        "/api/deployments/{execution_id}/devices",
        ALL,
        404,
        "",
    ),
    (
        "GET",
        "/api/deployments/{execution_id}/events",
        ALL,
        404,
        "",
    ),
    ("POST", "/api/devices", SHIP, 422, NO_DEVICE),
    ("GET", "/api/devices", ALL, 200, ""),
    ("GET", "/api/devices/{device_id}", ALL, 404, ""),
    (
        "PATCH",
        "/api/devices/{device_id}",
        SHIP,
        422,
        r#"{"groups":["no group"]}"#,
    ),
    ("POST", "/api/firmware", SHIP, 422, ""),
    ("GET", "/api/firmware", ALL, 200, ""),
    ("GET", "/api/firmware/{firmware_id}", ALL, 404, ""),
    ("GET", "/api/firmware/{firmware_id}/download", ALL, 404, ""),
    ("POST", "/api/firmware/{firmware_id}/withdraw", SHIP, 404, ""),
    (
        "POST",
        "/api/keys",
        ADMIN,
        422,
        r#"{"name":"n","role":"none"}"#,
    ),
    ("GET", "/api/keys", ADMIN, 200, ""),
    ("DELETE", "/api/keys/{key_id}", ADMIN, 404, ""),
    ("GET", "/api/audit", ALL, 200, ""),
    ("GET", "/api/health-checks", ALL, 200, ""),
    ("GET", "/api/metrics", ALL, 200, ""),
    ("GET", "/api/reports/deployment/{execution_id}", ALL, 404, ""),
    ("GET", "/api/reports/summary", ALL, 200, ""),
];

const NO_PLAN: &str = r#"{"name":"n","firmware_version":"none","target_environment":"none"}"#;
const NO_DEVICE: &str = r#"{"device_id":"d","environment":"none"}"#;

/// The path of something that is not there.
fn path_of(template: &str) -> String {
    let part = |part: &str| match part.starts_with('{') {
        true => "none".to_owned(),
        false => part.to_owned(),
    };
    template
        .split('/')
        .map(part)
        .collect::<Vec<_>>()
        .join("/")
}

fn request(app: &TestApp, row: &Row) -> reqwest::RequestBuilder {
    let (method, template, _, _, body) = row;
    let method: Method = method.parse().unwrap();
    let request = app.http.request(method, app.url(&path_of(template)));
    match *body {
        "" => request,
        body => request
            .header("content-type", "application/json")
            .body(body),
    }
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_no_more() {
    let app = TestApp::start().await;
    let mut keys = Vec::new();
    for role in ALL {
        keys.push((*role, app.role(role).await));
    }
    let before = everything(&app.admin()).await;
    for row in TABLE {
        refused(request(&app, row), 401, "unauthorized").await;
        for (role, client) in &keys {
            let request = client.signed(request(&app, row));
            if row.2.contains(role) {
                let status = request.send().await.unwrap().status().as_u16();
                assert_eq!(status, row.3, "{role}: {row:?}");
            } else {
                let problem = refused(request, 403, "forbidden").await;
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains(role), "{row:?}: {detail}");
            }
        }
    }
    assert_eq!(everything(&app.admin()).await, before);
}

#[test]
fn every_operation_is_in_the_table_once() {
    let document: Value = serde_json::from_str(&fleetward_server::openapi_json()).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let row = |row: &Row| (row.0.to_owned(), row.1.to_owned());
    let listed: BTreeSet<_> = TABLE.iter().map(row).collect();
    assert_eq!(listed.len(), TABLE.len(), "an operation is there twice");
    assert_eq!(described, listed);
}

#[tokio::test]
async fn what_needs_no_key_needs_none() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz", "/api/openapi.json", "/api/docs/"] {
        let answer = app.http.get(app.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}
