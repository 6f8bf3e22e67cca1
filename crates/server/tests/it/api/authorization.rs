//! Who may do what: every operation of the API with every role. An operation that is not in the table
//! fails the test.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{everything, refused};
use crate::support::TestApp;

/// Method, path, who may (viewer, operator, approver, admin), the status that those who may get for
/// something that is not there or can't be, and a body.
const TABLE: &str = r#"
GET    /api/environments                           voax 200
GET    /api/environments/{environment_name}        voax 404
POST   /api/deployment-plans                       .o.x 422 {"name":"n","firmware_version":"none","target_environment":"none"}
GET    /api/deployment-plans                       voax 200
GET    /api/deployment-plans/{plan_id}             voax 404
POST   /api/deployment-plans/preview               .o.x 422 {"name":"n","firmware_version":"none","target_environment":"none"}
GET    /api/deployment-plans/{plan_id}/preview     voax 404
POST   /api/deployment-plans/{plan_id}/simulate    voax 404
PUT    /api/deployment-plans/{plan_id}             .o.x 428 {"name":"n","firmware_version":"none","target_environment":"none"}
POST   /api/deployment-plans/{plan_id}/submit      .o.x 404
POST   /api/deployment-plans/{plan_id}/approve     ..ax 404
POST   /api/deployment-plans/{plan_id}/reject      ..ax 404 {"reason":"r"}
POST   /api/deployment-plans/{plan_id}/review      ..ax 404 {"comment":"c"}
GET    /api/deployment-plans/{plan_id}/revisions   voax 404
GET    /api/deployment-plans/{plan_id}/revisions/{revision} voax 404
POST   /api/deployments/execute                    .o.x 404 {"plan_id":"none"}
GET    /api/deployments                            voax 200
GET    /api/deployments/{execution_id}             voax 404
POST   /api/deployments/{execution_id}/pause       .oax 404
POST   /api/deployments/{execution_id}/resume      .o.x 404
POST   /api/deployments/{execution_id}/cancel      .oax 404
POST   /api/deployments/{execution_id}/rollback    .oax 404
GET    /api/deployments/{execution_id}/decisions   voax 404
GET    /api/deployments/{execution_id}/why         voax 404
GET    /api/deployments/{execution_id}/devices     voax 404
GET    /api/deployments/{execution_id}/events      voax 404
POST   /api/devices                                .o.x 422 {"device_id":"d","environment":"none"}
GET    /api/devices                                voax 200
GET    /api/devices/{device_id}                    voax 404
GET    /api/devices/{device_id}/why                voax 404
PATCH  /api/devices/{device_id}                    .o.x 422 {"groups":["no/group"]}
POST   /api/firmware                               .o.x 422
GET    /api/firmware                               voax 200
GET    /api/firmware/{firmware_id}                 voax 404
GET    /api/firmware/{firmware_id}/download        voax 404
POST   /api/firmware/{firmware_id}/withdraw        .o.x 404
POST   /api/freezes                                .oax 422 {"environment":"none","reason":"r"}
GET    /api/freezes                                voax 200
GET    /api/freezes/{freeze_id}                    voax 404
DELETE /api/freezes/{freeze_id}                    .oax 404
POST   /api/keys                                   ...x 422 {"name":"n","role":"none"}
GET    /api/keys                                   ...x 200
DELETE /api/keys/{key_id}                          ...x 404
GET    /api/audit                                  voax 200
GET    /api/health-checks                          voax 200
GET    /api/metrics                                voax 200
GET    /api/reports/deployment/{execution_id}      voax 404
GET    /api/reports/summary                        voax 200
"#;

const ROLES: [(&str, char); 4] = [
    ("viewer", 'v'),
    ("operator", 'o'),
    ("approver", 'a'),
    ("admin", 'x'),
];

struct Row {
    method: Method,
    template: &'static str,
    may: &'static str,
    status: u16,
    body: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_ascii_whitespace();
            let mut word = || words.next().unwrap_or_default();
            Row {
                method: word().parse().unwrap(),
                template: word(),
                may: word(),
                status: word().parse().unwrap(),
                body: word(),
            }
        })
        .collect()
}

impl Row {
    /// The path of something that is not there.
    fn path(&self) -> String {
        let parts = self.template.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "none" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    fn filled(&self, request: RequestBuilder) -> RequestBuilder {
        match self.body {
            "" => request,
            body => request
                .header("content-type", "application/json")
                .body(body),
        }
    }
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_no_more() {
    let app = TestApp::start().await;
    let mut clients = Vec::new();
    for (role, letter) in ROLES {
        clients.push((role, letter, app.role(role).await));
    }
    let before = everything(&app.admin()).await;
    for row in rows() {
        let (method, path) = (row.method.clone(), row.path());
        let anonymous = app.http.request(method.clone(), app.url(&path));
        refused(row.filled(anonymous), 401, "unauthorized").await;
        for (role, letter, client) in &clients {
            let request = row.filled(client.request(method.clone(), &path));
            if row.may.contains(*letter) {
                let status = request.send().await.unwrap().status().as_u16();
                assert_eq!(status, row.status, "{role}: {method} {path}");
            } else {
                let problem = refused(request, 403, "forbidden").await;
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains(role), "{method} {path}: {detail}");
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
    let rows = rows();
    let name = |row: &Row| (row.method.to_string(), row.template.to_owned());
    let listed: BTreeSet<_> = rows.iter().map(name).collect();
    assert_eq!(listed.len(), rows.len(), "an operation is there twice");
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

#[tokio::test]
async fn a_release_passes_through_three_pairs_of_hands() {
    let app = TestApp::start().await;
    let (operator, approver) = (app.role("operator").await, app.role("approver").await);
    let viewer = app.role("viewer").await;
    operator.upload("1.0.0").await;
    super::add_devices(&operator, "production", 2).await;
    let id = super::planned(&operator, super::plan("1.0.0", "production")).await;
    let path = format!("/api/deployment-plans/{id}/approve");
    let approved = approver.post(&path, serde_json::json!({})).await;
    assert_eq!(approved["approved_by"], "approver");
    let order = serde_json::json!({ "plan_id": id });
    let started = operator.post("/api/deployments/execute", order).await;
    assert_eq!(started["started_by"], "operator");
    let id = started["execution_id"].as_str().unwrap();
    let seen = viewer.execution(id).await;
    assert_eq!(
        (&seen["devices"], &seen["plan_id"]),
        (&2.into(), &started["plan_id"])
    );
}
