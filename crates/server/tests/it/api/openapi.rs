//! The description of the API: what is published is what was reviewed, and it says of every operation
//! what a client must know.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::TestApp;

/// The description as it was reviewed; run with `UPDATE_GOLDEN=1` to take over a change.
const GOLDEN: &str = "tests/it/api/openapi.json";

fn document() -> Value {
    serde_json::from_str(&fleetward_server::openapi_json()).unwrap()
}

#[test]
fn the_description_is_the_reviewed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let found = fleetward_server::openapi_json() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = found
        .lines()
        .zip(reviewed.lines())
        .position(|(a, b)| a != b);
    assert!(
        found == reviewed,
        "the API changed (first at line {line:?} of {GOLDEN}): look at it, then run again with \
         UPDATE_GOLDEN=1"
    );
}

#[tokio::test]
async fn the_server_tells_it_to_everyone_with_a_page_to_read() {
    let app = TestApp::start().await;
    let answer = app
        .http
        .get(app.url("/api/openapi.json"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.json::<Value>().await.unwrap(), document());
    for path in ["/api/docs", "/api/docs/", "/api/docs/index.html"] {
        let answer = app.http.get(app.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        assert!(answer.text().await.unwrap().contains("swagger"), "{path}");
    }
    let script = app.url("/api/docs/swagger-initializer.js");
    let script = app
        .http
        .get(script)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(script.contains("/api/openapi.json"), "{script}");
}

#[test]
fn it_is_of_version_3_1_and_names_the_ways_in() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let ways = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    assert_eq!(ways["api_key"]["name"], "X-API-Key");
    assert_eq!(
        (&ways["token"]["scheme"], &ways["token"]["bearerFormat"]),
        (&"bearer".into(), &"JWT".into())
    );
    assert_eq!(
        document["security"],
        serde_json::json!([{"api_key": []}, {"token": []}])
    );
}

#[test]
fn every_operation_says_what_a_client_must_know() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let about = format!("{method} {path}: {operation:#}");
            assert!(operation["summary"].is_string(), "{about}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{about}");
            assert_eq!(in_path(operation), placeholders(path), "{about}");
            let writes = ["post", "put", "patch"].contains(&method.as_str());
            assert_eq!(operation["requestBody"].is_object(), writes, "{about}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{about}"
            );
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name), "an operationId is there twice: {about}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1);
    for reference in references.map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

fn placeholders(path: &str) -> BTreeSet<&str> {
    let parts = path.split('/');
    parts
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

/// The names of the parameters that an operation says are in its path.
fn in_path(operation: &Value) -> BTreeSet<&str> {
    let parameters = operation["parameters"].as_array();
    let parameters = parameters.map_or(&[][..], Vec::as_slice);
    let named = parameters
        .iter()
        .filter(|parameter| parameter["in"] == "path");
    named
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect()
}
