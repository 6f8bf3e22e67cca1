//! The REST API: who may do what, what is refused and how, and what each resource promises.

mod approvals;
mod audit;
mod authorization;
mod credentials;
mod deployments;
mod devices;
mod events;
mod firmware;
mod freezes;
mod idempotency;
mod keys;
mod openapi;
mod paging;
mod plan_fields;
mod plan_life;
mod plans;
mod preview;
mod problems;
mod promotion;
mod restart;
mod revisions;
mod simulate;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::Client;

/// Every list of the API.
const LISTS: [&str; 7] = [
    "/api/deployment-plans",
    "/api/deployments",
    "/api/firmware",
    "/api/devices",
    "/api/freezes",
    "/api/keys",
    "/api/audit",
];

/// Sends a request that must be refused with this status and code, and answers with the problem.
async fn refused(request: RequestBuilder, status: u16, code: &str) -> Value {
    let answer = request.send().await.unwrap();
    let found = answer.status().as_u16();
    let place = answer.url().path().to_owned();
    let kind = answer.headers().get("content-type").cloned();
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{place}: {text}");
    let kind = kind.unwrap_or_else(|| panic!("{place}: no content type: {text}"));
    assert_eq!(kind, "application/problem+json", "{place}: {text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{place}: {text}");
    assert_eq!(problem["type"], format!("urn:fleetward:problem:{code}"));
    assert_eq!(problem["status"], status, "{place}: {text}");
    for word in ["title", "detail"] {
        let said = problem[word].as_str().unwrap();
        assert!(!said.is_empty(), "{place}: no {word}: {text}");
    }
    problem
}

/// The fields that a problem names.
fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

/// Everything that the lists of the API show.
async fn everything(admin: &Client<'_>) -> Value {
    let mut found = Vec::new();
    for list in LISTS {
        found.push(admin.get(&format!("{list}?limit=1000")).await);
    }
    json!(found)
}

/// One value of every row of a list.
fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    let rows = list["items"].as_array().unwrap();
    rows.iter().map(|row| row[name].as_str().unwrap()).collect()
}

/// Makes devices known that will never come: `d-000`, `d-001` and so on.
async fn add_devices(client: &Client<'_>, environment: &str, count: usize) {
    for (number, model) in (0..count).zip(["pump", "valve", "meter"].into_iter().cycle()) {
        let device = json!({
            "device_id": format!("d-{number:03}"),
            "environment": environment,
            "token": format!("token-of-device-{number:03}"),
            "model": model,
        });
        client.post("/api/devices", device).await;
    }
}

/// A plan for everybody in an environment, at once.
fn plan(version: &str, environment: &str) -> Value {
    json!({
        "name": format!("Rollout {version}"),
        "firmware_version": version,
        "target_environment": environment,
        "strategy": "immediate",
    })
}

/// Creates a plan and answers with its id.
async fn planned(client: &Client<'_>, plan: Value) -> String {
    let made = client.post("/api/deployment-plans", plan).await;
    made["plan_id"].as_str().unwrap().to_owned()
}
