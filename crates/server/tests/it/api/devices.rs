//! Devices as people manage them.

use reqwest::Method;
use serde_json::json;

use super::{column, everything, fields, refused};
use crate::support::TestApp;

#[tokio::test]
async fn a_device_is_made_known_with_a_token_shown_once() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let device = json!({
        "device_id": "pump 7", "environment": "staging", "model": "pump", "revision": "B",
        "groups": ["north", "v2.1"],
    });
    let made = admin.post("/api/devices", device).await;
    let token = made["token"].as_str().unwrap();
    assert!(token.len() > 64, "{token}");
    let shown = admin.get("/api/devices/pump%207").await;
    assert_eq!(
        (&shown["model"], &shown["revision"]),
        (&json!("pump"), &json!("B"))
    );
    assert_eq!(
        (&shown["groups"], &shown["has_token"]),
        (&json!(["north", "v2.1"]), &json!(true))
    );
    assert_eq!(
        (&shown["executions"], &shown["attempts"]),
        (&json!([]), &json!([]))
    );
    for path in ["/api/devices", "/api/devices/pump%207", "/api/audit"] {
        let text = admin.get(path).await.to_string();
        assert!(!text.contains(token), "{path}");
    }
    let own = json!({"device_id": "own", "environment": "lab", "token": "sixteen-letters-"});
    let made = admin.post("/api/devices", own).await;
    assert_eq!(made["token"], json!(null));
}

#[tokio::test]
async fn a_device_that_cannot_be_is_not_added() {
    let app = TestApp::start().await;
    let admin = app.admin();
    super::add_devices(&admin, "lab", 1).await;
    let before = everything(&admin).await;
    let (short, long) = ("fifteen-letters", "t".repeat(129));
    let cases = [
        (json!({"device_id": ""}), "device_id"),
        (json!({"device_id": "a/b"}), "device_id"),
        (json!({"device_id": "a\nb"}), "device_id"),
        (json!({"device_id": "d".repeat(257)}), "device_id"),
        (json!({"environment": "moon"}), "environment"),
        (json!({"token": ""}), "token"),
        (json!({"token": short}), "token"),
        (json!({"token": long}), "token"),
        (json!({"groups": ["two words"]}), "groups"),
        (json!({"groups": ["good", ""]}), "groups"),
        (json!({"groups": ["g".repeat(65)]}), "groups"),
    ];
    for (changes, field) in cases {
        let mut device = json!({"device_id": "new", "environment": "lab"});
        for (name, value) in changes.as_object().unwrap() {
            device[name] = value.clone();
        }
        let request = admin.request(Method::POST, "/api/devices").json(&device);
        let problem = refused(request, 422, "invalid").await;
        assert_eq!(fields(&problem), [field], "{changes}");
    }
    for environment in ["lab", "staging"] {
        let device = json!({"device_id": "d-000", "environment": environment});
        let request = admin.request(Method::POST, "/api/devices").json(&device);
        refused(request, 409, "device_exists").await;
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn a_device_is_moved_and_grouped() {
    let app = TestApp::start().await;
    let admin = app.admin();
    super::add_devices(&admin, "lab", 2).await;
    let path = "/api/devices/d-000";
    let change = |body| admin.send(admin.request(Method::PATCH, path).json(&body));
    let (_, moved) = change(json!({"environment": "staging"})).await;
    assert_eq!(
        (&moved["environment"], &moved["groups"]),
        (&json!("staging"), &json!([]))
    );
    let (_, grouped) = change(json!({"groups": ["a", "b"]})).await;
    assert_eq!(
        (&grouped["environment"], &grouped["groups"]),
        (&json!("staging"), &json!(["a", "b"]))
    );
    let (_, fewer) = change(json!({"groups": ["b"], "environment": "lab"})).await;
    assert_eq!(
        (&fewer["environment"], &fewer["groups"]),
        (&json!("lab"), &json!(["b"]))
    );
    let (_, none) = change(json!({"groups": []})).await;
    assert_eq!(none["groups"], json!([]));
    let audit = admin.get("/api/audit?object=d-000").await;
    assert_eq!(
        audit["items"][0]["detail"]["before"]["groups"],
        json!(["b"])
    );

    let before = everything(&admin).await;
    for body in [
        json!({"environment": "moon"}),
        json!({"groups": ["a b"]}),
        json!({"model": "x"}),
    ] {
        let request = admin.request(Method::PATCH, path).json(&body);
        refused(request, 422, "invalid").await;
    }
    let nobody = admin.request(Method::PATCH, "/api/devices/nobody");
    refused(
        nobody.json(&json!({"environment": "lab"})),
        404,
        "not_found",
    )
    .await;
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn groups_choose_the_devices_of_a_plan() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    super::add_devices(&admin, "staging", 6).await;
    for (device, groups) in [
        ("d-001", json!(["a"])),
        ("d-002", json!(["a", "b"])),
        ("d-003", json!(["c"])),
    ] {
        let path = format!("/api/devices/{device}");
        let request = admin
            .request(Method::PATCH, &path)
            .json(&json!({"groups": groups}));
        request.send().await.unwrap();
    }
    let mut plan = super::plan("1.0.0", "staging");
    plan["device_groups"] = json!(["a", "b"]);
    let id = admin.roll_out(plan).await;
    let devices = admin.get(&format!("/api/deployments/{id}/devices")).await;
    assert_eq!(column(&devices, "device_id"), ["d-001", "d-002"]);
}
