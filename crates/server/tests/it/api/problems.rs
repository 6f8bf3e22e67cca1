//! Requests that no handler can make sense of: every answer is a problem document that says what to do.

use reqwest::Method;
use serde_json::json;

use super::{LISTS, everything, refused};
use crate::support::TestApp;

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let nowhere = [
        (Method::GET, "/"),
        (Method::GET, "/api"),
        (Method::GET, "/api/"),
        (Method::GET, "/api/device"),
        (Method::GET, "/api/devices/"),
        (Method::GET, "/api/devices/a/b"),
        (Method::POST, "/api/deployments/a/explode"),
        (Method::GET, "/API/DEVICES"),
        (Method::GET, "/api/devices/../keys/none/none"),
    ];
    for (method, path) in nowhere {
        refused(admin.request(method, path), 404, "no_such_path").await;
    }
    let wrong = [
        (Method::DELETE, "/api/devices"),
        (Method::PUT, "/api/devices/a"),
        (Method::POST, "/api/environments"),
        (Method::GET, "/api/deployments/execute/../a/pause"),
        (Method::PATCH, "/api/deployment-plans"),
        (Method::DELETE, "/api/firmware/a"),
        (Method::POST, "/api/audit"),
        (Method::POST, "/healthz"),
        (Method::POST, "/api/openapi.json"),
    ];
    for (method, path) in wrong {
        let answer = admin.request(method.clone(), path).send().await.unwrap();
        assert!(answer.headers().contains_key("allow"), "{method} {path}");
        refused(admin.request(method, path), 405, "wrong_method").await;
    }
}

#[tokio::test]
async fn names_that_are_not_there_or_not_even_text_are_problems() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let places = [
        "/api/environments/{}",
        "/api/deployment-plans/{}",
        "/api/deployments/{}",
        "/api/deployments/{}/decisions",
        "/api/deployments/{}/devices",
        "/api/deployments/{}/events",
        "/api/devices/{}",
        "/api/firmware/{}",
        "/api/firmware/{}/download",
        "/api/reports/deployment/{}",
    ];
    for place in places {
        for name in ["none", "%2E%2E%2Fetc", "'%20OR%201=1", "%00", "%E2%98%83"] {
            let path = place.replace("{}", name);
            refused(admin.request(Method::GET, &path), 404, "not_found").await;
        }
        let path = place.replace("{}", "%FF");
        refused(admin.request(Method::GET, &path), 400, "bad_path").await;
    }
}

#[tokio::test]
async fn parts_of_lists_that_cannot_be_are_problems() {
    let app = TestApp::start().await;
    let admin = app.admin();
    for list in LISTS.into_iter().filter(|list| *list != "/api/keys") {
        let of = |query: &str| admin.request(Method::GET, &format!("{list}?{query}"));
        for query in ["limit=0", "limit=1001"] {
            let problem = refused(of(query), 422, "invalid").await;
            assert_eq!(super::fields(&problem), ["limit"], "{list}?{query}");
        }
        for cursor in ["", "c", "x1", "1", "c1.5", "c99999999999999999999", "next"] {
            let problem = refused(of(&format!("cursor={cursor}")), 422, "invalid").await;
            assert_eq!(super::fields(&problem), ["cursor"], "{list}: {cursor}");
        }
        for query in ["limit=many", "limit=-1", "limit=", "limit=1&limit=2"] {
            refused(of(query), 400, "bad_query").await;
        }
    }
    let plans = admin.request(Method::GET, "/api/deployment-plans?status=great");
    let problem = refused(plans, 422, "invalid").await;
    assert_eq!(super::fields(&problem), ["status"]);
    for query in ["days=0", "days=3651"] {
        let request = admin.request(Method::GET, &format!("/api/reports/summary?{query}"));
        refused(request, 422, "invalid").await;
    }
    for path in [
        "/api/devices?quarantined=maybe",
        "/api/freezes?standing=maybe",
        "/api/reports/summary?days=all",
    ] {
        refused(admin.request(Method::GET, path), 400, "bad_query").await;
    }
}

#[tokio::test]
async fn bodies_that_are_not_json_are_problems() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let before = everything(&admin).await;
    let sound = super::plan("1.0.0", "lab").to_string();
    let places = [
        "/api/deployment-plans",
        "/api/deployment-plans/none/approve",
        "/api/deployments/execute",
        "/api/deployments/none/pause",
        "/api/devices",
        "/api/firmware/none/withdraw",
        "/api/freezes",
        "/api/keys",
    ];
    let big = format!("{{\"name\": \"{}\"}}", "n".repeat(1 << 20));
    for place in places {
        let of = |kind: &str, body: &str| {
            let request = admin
                .request(Method::POST, place)
                .header("content-type", kind);
            request.body(body.to_owned())
        };
        for text in ["{", "{]", "name: plan", "\u{feff}{}", "\0"] {
            refused(of("application/json", text), 400, "malformed_json").await;
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "",
        ] {
            refused(of(kind, &sound), 415, "not_json").await;
        }
        let no_kind = admin.request(Method::POST, place).body(sound.clone());
        refused(no_kind, 415, "not_json").await;
        refused(of("application/json", &big), 413, "body_too_large").await;
    }
    let deep = format!("{{\"schedule\": {}", "[".repeat(100_000));
    let request = admin.request(Method::POST, "/api/deployment-plans");
    let request = request.header("content-type", "application/json");
    refused(request.body(deep), 400, "malformed_json").await;
    assert_eq!(everything(&admin).await, before);
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let request = admin.request(Method::POST, "/api/deployment-plans");
        let request = request.header("content-type", kind).body(sound.clone());
        let (status, made) = admin.send(request).await;
        assert_eq!(status, 201, "{kind}: {made:#}");
    }
}

#[tokio::test]
async fn an_idempotency_key_that_cannot_be_is_a_problem() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let long = "k".repeat(256);
    for key in [
        b"".as_slice(),
        b"\xff",
        "schl\u{fc}ssel".as_bytes(),
        long.as_bytes(),
    ] {
        let value = reqwest::header::HeaderValue::from_bytes(key).unwrap();
        let request = admin.request(Method::POST, "/api/devices");
        let device = json!({"device_id": "d", "environment": "lab"});
        let request = request.header("idempotency-key", value).json(&device);
        refused(request, 400, "bad_idempotency_key").await;
    }
    assert_eq!(everything(&admin).await, before);
}
