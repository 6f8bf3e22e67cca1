//! API keys: shown once, dead at once when revoked, dead in time when they expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fleetward_server::app::Call;
use fleetward_server::auth::{Principal, Role};
use fleetward_server::clock::Clock;
use fleetward_server::{ServeOptions, start};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use super::{column, everything, refused};
use crate::support::{ADMIN, CONFIG, TestApp, configuration};

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_key_is_shown_once_and_listed_without_its_secret() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let asked = json!({"name": "ci", "role": "operator", "expires_in_days": 30});
    let made = admin.post("/api/keys", asked).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.len() > 64, "{key}");
    let listed = admin.get("/api/keys").await;
    assert_eq!(column(&listed, "name"), ["admin", "ci"]);
    assert_eq!(column(&listed, "status"), ["active", "active"]);
    assert_eq!(listed["items"][1]["created_by"], "admin");
    for path in ["/api/keys", "/api/audit"] {
        let text = admin.get(path).await.to_string();
        let secret = key.rsplit('_').next().unwrap();
        assert!(!text.contains(secret), "{path}");
        assert!(!text.contains("hash"), "{path}");
    }
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once_and_stays_dead() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = json!({"name": "second", "role": "admin"});
    let made = admin.post("/api/keys", made).await;
    let second = app.client(made["key"].as_str().unwrap());
    let revoke = |id: &str| second.request(Method::DELETE, &format!("/api/keys/{id}"));
    let answer = revoke("bootstrap").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    refused(admin.request(Method::GET, "/api/keys"), 401, "unauthorized").await;
    refused(revoke("bootstrap"), 404, "not_found").await;
    let listed = second.get("/api/keys").await;
    assert_eq!(column(&listed, "status"), ["revoked", "active"]);

    let key = made["key"].as_str().unwrap();
    let app = app.restart(CONFIG).await;
    let (admin, second) = (app.admin(), app.client(key));
    refused(admin.request(Method::GET, "/api/keys"), 401, "unauthorized").await;
    assert_eq!(
        column(&second.get("/api/keys").await, "status"),
        ["revoked", "active"]
    );
}

#[tokio::test]
async fn a_key_is_dead_even_when_nobody_waits_for_the_answer() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let made = json!({"name": "lost", "role": "viewer"});
    let made = admin.post("/api/keys", made).await;
    let call = Call {
        principal: Principal {
            id: "test".to_owned(),
            name: "admin".to_owned(),
            role: Role::Admin,
            source: "local".to_owned(),
        },
        now: Timestamp::now(),
        idempotency: None,
    };
    let key_id = made["key_id"].as_str().unwrap().to_owned();
    let revoking = app.server.app().revoke_key(&call, key_id);
    drop(revoking.now_or_never());
    // What is written later is answered later.
    super::add_devices(&admin, "lab", 1).await;
    let lost = app.client(made["key"].as_str().unwrap());
    refused(
        lost.request(Method::GET, "/api/devices"),
        401,
        "unauthorized",
    )
    .await;
}

#[tokio::test]
async fn a_key_stops_at_its_time() {
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ahead);
    let now = move || {
        let ahead = SignedDuration::from_secs(clock.load(Ordering::SeqCst));
        Timestamp::now() + ahead
    };
    let folder = tempfile::tempdir().unwrap();
    let options = ServeOptions {
        config: configuration(CONFIG),
        data_dir: folder.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        bootstrap_key: Some(ADMIN.to_owned()),
        clock: Clock::of(now),
    };
    let app = TestApp {
        server: start(options).await.unwrap(),
        folder,
        http: reqwest::Client::new(),
    };
    let asked = json!({"name": "short", "role": "viewer", "expires_in_days": 1});
    let made = app.admin().post("/api/keys", asked).await;
    let short = app.client(made["key"].as_str().unwrap());
    ahead.store(DAY - 600, Ordering::SeqCst);
    short.get("/api/devices").await;
    ahead.store(DAY + 600, Ordering::SeqCst);
    let request = short.request(Method::GET, "/api/devices");
    refused(request, 401, "unauthorized").await;
    let listed = app.admin().get("/api/keys").await;
    assert_eq!(column(&listed, "status"), ["active", "expired"]);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_not_made() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let cases = [
        (json!({"name": "n", "role": "root"}), "role"),
        (json!({"name": "n", "role": "Admin"}), "role"),
        (json!({"name": " ", "role": "viewer"}), "name"),
        (json!({"name": "n".repeat(101), "role": "viewer"}), "name"),
        (
            json!({"name": "n", "role": "viewer", "expires_in_days": 0}),
            "expires_in_days",
        ),
        (
            json!({"name": "n", "role": "viewer", "expires_in_days": 3651}),
            "expires_in_days",
        ),
    ];
    for (body, field) in cases {
        let request = admin.request(Method::POST, "/api/keys").json(&body);
        let problem = refused(request, 422, "invalid").await;
        assert_eq!(super::fields(&problem), [field], "{body}");
    }
    for body in [
        json!({"name": "n"}),
        json!({"name": "n", "role": "viewer", "key": "mine"}),
    ] {
        let request = admin.request(Method::POST, "/api/keys").json(&body);
        refused(request, 422, "invalid").await;
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn secrets_are_not_on_the_disk() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let send = |key: &'static str, path: &str, body: serde_json::Value| {
        let request = admin.request(Method::POST, path).json(&body);
        admin.send(request.header("idempotency-key", key))
    };
    let (_, key) = send("one", "/api/keys", json!({"name": "n", "role": "viewer"})).await;
    let (_, device) = send(
        "two",
        "/api/devices",
        json!({"device_id": "a", "environment": "lab"}),
    )
    .await;
    let mine = "a-token-that-is-chosen-outside";
    let chosen = json!({"device_id": "b", "environment": "lab", "token": mine});
    let (status, _) = send("three", "/api/devices", chosen).await;
    assert_eq!(status, 201);
    let secrets = [
        key["key"].as_str().unwrap(),
        device["token"].as_str().unwrap(),
        mine,
        ADMIN,
    ];
    for entry in std::fs::read_dir(app.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in secrets {
                let found = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{secret} is in {}", path.display());
            }
        }
    }
}
