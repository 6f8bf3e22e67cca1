//! Keys and tokens: what is let in, and what never is.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::refused;
use crate::support::{ADMIN, CONFIG, GATEWAY, TestApp};

const SECRET: &str = "Zq8mW2vXr5tYk1nPc7sLd4hJf9gBa6uE";
const OTHER: &str = "Bw3nT7yHq1mRz5kVx9cDf2sGj6pLa8eU";
/// `{"alg":"none","typ":"JWT"}`.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

fn with_tokens(keys: bool) -> String {
    format!("{CONFIG}security:\n  jwt_secret: {SECRET}\n  api_key_auth: {keys}\n")
}

fn seconds_from_now(seconds: i64) -> i64 {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    now.cast_signed() + seconds
}

fn claims(role: &str) -> Value {
    json!({"sub": "ann", "role": role, "exp": seconds_from_now(600)})
}

fn sign(algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn bearing(app: &TestApp, path: &str, token: &str) -> RequestBuilder {
    app.http.get(app.url(path)).bearer_auth(token)
}

#[tokio::test]
async fn a_token_carries_a_name_and_a_role() {
    let app = TestApp::with(&with_tokens(true)).await;
    for (role, keys) in [
        ("viewer", 403),
        ("operator", 403),
        ("approver", 403),
        ("admin", 200),
    ] {
        let token = sign(Algorithm::HS256, &claims(role), SECRET);
        let read = bearing(&app, "/api/devices", &token).send().await.unwrap();
        assert_eq!(read.status(), 200, "{role}");
        let keys_read = bearing(&app, "/api/keys", &token).send().await.unwrap();
        assert_eq!(keys_read.status(), keys, "{role}");
    }
    let token = sign(Algorithm::HS256, &claims("operator"), SECRET);
    let device = json!({"device_id": "d", "environment": "lab"});
    let request = app.http.post(app.url("/api/devices")).bearer_auth(&token);
    assert_eq!(request.json(&device).send().await.unwrap().status(), 201);
    let request = app.http.get(app.url("/api/devices"));
    let request = request.header("authorization", format!("bearer {token}"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let audit = app.admin().get("/api/audit?object=d").await;
    assert_eq!(audit["items"][0]["actor"], "ann");
    assert_eq!(audit["items"][0]["source"], "127.0.0.1");
}

#[tokio::test]
async fn a_token_that_is_not_in_order_lets_nobody_in() {
    let app = TestApp::with(&with_tokens(true)).await;
    let good = claims("admin");
    let signed = sign(Algorithm::HS256, &good, SECRET);
    let parts: Vec<&str> = signed.split('.').collect();
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        sign(Algorithm::HS256, &claims, SECRET)
    };
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        sign(Algorithm::HS256, &claims, SECRET)
    };
    let cases = [
        ("wrong secret", sign(Algorithm::HS256, &good, OTHER)),
        ("empty secret", sign(Algorithm::HS256, &good, "")),
        ("HS384", sign(Algorithm::HS384, &good, SECRET)),
        ("HS512", sign(Algorithm::HS512, &good, SECRET)),
        ("alg none", format!("{UNSIGNED}.{}.", parts[1])),
        (
            "alg none, signature kept",
            format!("{UNSIGNED}.{}.{}", parts[1], parts[2]),
        ),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("expired", with("exp", json!(seconds_from_now(-600)))),
        ("not yet", with("nbf", json!(seconds_from_now(600)))),
        ("exp is no number", with("exp", json!("tomorrow"))),
        ("no expiry", without("exp")),
        ("no subject", without("sub")),
        ("empty subject", with("sub", json!(""))),
        ("no role", without("role")),
        ("unknown role", with("role", json!("root"))),
        ("role in capitals", with("role", json!("ADMIN"))),
        ("several roles", with("role", json!(["admin"]))),
        ("a key", ADMIN.to_owned()),
        ("nothing", String::new()),
    ];
    for (case, token) in cases {
        let answer = bearing(&app, "/api/devices", &token).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{case}");
        assert!(answer.headers().contains_key("www-authenticate"), "{case}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_one_lets_nobody_in() {
    let app = TestApp::start().await;
    let made = json!({"name": "n", "role": "admin"});
    let made = app.admin().post("/api/keys", made).await;
    let (id, key) = (
        made["key_id"].as_str().unwrap(),
        made["key"].as_str().unwrap(),
    );
    let of = |name: &'static str, value: String| {
        app.http.get(app.url("/api/devices")).header(name, value)
    };
    let cases = [
        app.http.get(app.url("/api/devices")),
        app.http
            .get(app.url(&format!("/api/devices?api_key={ADMIN}"))),
        of("x-api-key", String::new()),
        of("x-api-key", "fw_".into()),
        of("x-api-key", "admin".into()),
        of("x-api-key", "bootstrap".into()),
        of("x-api-key", GATEWAY.into()),
        of("x-api-key", id.into()),
        of("x-api-key", format!("fw_{id}_")),
        of("x-api-key", format!("fw_{id}_{}", "0".repeat(64))),
        of("x-api-key", key[..key.len() - 1].to_owned()),
        of("x-api-key", format!("{key}0")),
        of("x-api-key", key.to_uppercase()),
        of("x-api-key", ADMIN[1..].to_owned()),
        of("authorization", format!("Bearer {ADMIN}")),
        of("authorization", format!("GatewayToken {GATEWAY}")),
        of("authorization", ADMIN.to_owned()),
    ];
    for request in cases {
        refused(request, 401, "unauthorized").await;
    }
    app.client(key).get("/api/devices").await;
}

#[tokio::test]
async fn keys_can_be_switched_off() {
    let app = TestApp::with(&with_tokens(false)).await;
    let by_key = app
        .http
        .get(app.url("/api/devices"))
        .header("x-api-key", ADMIN);
    refused(by_key, 401, "unauthorized").await;
    let token = sign(Algorithm::HS256, &claims("viewer"), SECRET);
    let by_token = bearing(&app, "/api/devices", &token).header("x-api-key", ADMIN);
    assert_eq!(by_token.send().await.unwrap().status(), 200);
    let beyond = bearing(&app, "/api/keys", &token).header("x-api-key", ADMIN);
    refused(beyond, 403, "forbidden").await;
}

#[tokio::test]
async fn tokens_need_a_secret() {
    let app = TestApp::start().await;
    for secret in ["", SECRET, ADMIN] {
        let token = sign(Algorithm::HS256, &claims("admin"), secret);
        refused(bearing(&app, "/api/devices", &token), 401, "unauthorized").await;
    }
}
