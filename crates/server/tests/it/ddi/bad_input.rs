//! Requests that can't be taken: each is refused with its own status, and nothing changes.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Device, SUCCESS, joined, roll_out, seen};
use crate::support::TestApp;

/// Bodies that no report has.
const BROKEN: [&str; 17] = [
    "",
    "{",
    "null",
    "[]",
    "\"closed\"",
    "closed",
    "{}",
    r#"{"status":null}"#,
    r#"{"status":{}}"#,
    r#"{"status":{"result":{"finished":"success"}}}"#,
    r#"{"status":{"execution":"closed"}}"#,
    r#"{"status":{"execution":"closed","result":{}}}"#,
    r#"{"status":{"execution":"closed","result":"success"}}"#,
    r#"{"status":{"execution":"exploded","result":{"finished":"success"}}}"#,
    r#"{"status":{"execution":"CLOSED","result":{"finished":"success"}}}"#,
    r#"{"status":{"execution":"closed","result":{"finished":"maybe"}}}"#,
    r#"{"status":{"execution":"closed","result":{"finished":"success"}}} and more"#,
];

struct Scene {
    app: TestApp,
    device: Device,
    execution: String,
    action: u64,
}

async fn scene() -> Scene {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    Scene {
        app,
        device,
        execution,
        action,
    }
}

impl Scene {
    /// Everything that a report could have changed.
    async fn state(&self) -> Value {
        let execution = self.app.admin().execution(&self.execution).await;
        let mut device = seen(&self.app, &self.device).await;
        device["last_seen_at"] = Value::Null;
        json!([execution, device, self.device.poll().await])
    }

    async fn sent(&self, method: Method, path: &str, kind: &str, body: &str) -> u16 {
        let request = self.device.request(method, path);
        let request = request.header("content-type", kind).body(body.to_owned());
        let answer = self.device.send(request).await;
        if answer.status != 401 {
            let refusal = answer.json();
            assert!(
                !refusal["message"].as_str().unwrap().is_empty(),
                "{refusal}"
            );
            assert!(
                !refusal["errorCode"].as_str().unwrap().is_empty(),
                "{refusal}"
            );
        }
        answer.status.as_u16()
    }
}

const JSON: &str = "application/json";

#[tokio::test]
async fn broken_reports_are_refused_and_change_nothing() {
    let scene = scene().await;
    let before = scene.state().await;
    for resource in ["deploymentBase", "cancelAction"] {
        let path = format!("/{resource}/{}/feedback", scene.action);
        for body in BROKEN {
            let sent = scene.sent(Method::POST, &path, JSON, body).await;
            assert_eq!(sent, 400, "{resource}: {body}");
        }
        for kind in [
            "text/plain",
            "application/xml",
            "application/cbor",
            "application/jsonish",
        ] {
            let sent = scene.sent(Method::POST, &path, kind, SUCCESS).await;
            assert_eq!(sent, 415, "{resource}: {kind}");
        }
        let long = json!({"status": {"execution": "closed", "result": {"finished": "success"},
            "details": ["x".repeat(300_000)]}});
        let sent = scene
            .sent(Method::POST, &path, JSON, &long.to_string())
            .await;
        assert_eq!(sent, 413, "{resource}");
    }
    assert_eq!(scene.state().await, before);
}

#[tokio::test]
async fn broken_attributes_are_refused_and_change_nothing() {
    let scene = scene().await;
    let before = scene.state().await;
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"data":{}}"#,
        r#"{"data":null}"#,
        r#"{"data":"a"}"#,
        r#"{"data":["a"]}"#,
        r#"{"mode":"merge"}"#,
        r#"{"mode":"append","data":{"a":"b"}}"#,
        r#"{"mode":"MERGE","data":{"a":"b"}}"#,
        r#"{"mode":1,"data":{"a":"b"}}"#,
    ] {
        let sent = scene.sent(Method::PUT, "/configData", JSON, body).await;
        assert_eq!(sent, 400, "{body}");
    }
    let body = r#"{"data":{"a":"b"}}"#;
    assert_eq!(
        scene
            .sent(Method::PUT, "/configData", "text/plain", body)
            .await,
        415
    );
    assert_eq!(scene.state().await, before);
}

#[tokio::test]
async fn a_content_type_is_read_in_all_its_forms() {
    let scene = scene().await;
    for kind in [
        "application/json",
        "application/json;charset=UTF-8",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let request = scene.device.request(Method::PUT, "/configData");
        let request = request
            .header("content-type", kind)
            .body(r#"{"data":{"a":"b"}}"#);
        assert_eq!(scene.device.send(request).await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn numbers_that_are_none_and_actions_that_are_not_there() {
    let scene = scene().await;
    let before = scene.state().await;
    for (number, wanted) in [
        ("abc", 400),
        ("-1", 400),
        ("1.5", 400),
        ("0x11", 400),
        ("99999999999", 400),
        ("%20", 400),
        ("999999", 404),
        ("0", 404),
        ("4294967295", 404),
    ] {
        for resource in ["deploymentBase", "cancelAction"] {
            let path = format!("/{resource}/{number}");
            let sent = scene.sent(Method::GET, &path, JSON, "").await;
            assert_eq!(sent, wanted, "GET {path}");
            let path = format!("{path}/feedback");
            let sent = scene.sent(Method::POST, &path, JSON, SUCCESS).await;
            assert_eq!(sent, wanted, "POST {path}");
        }
        let sent = scene
            .sent(Method::GET, &format!("/installedBase/{number}"), JSON, "")
            .await;
        assert_eq!(sent, wanted, "{number}");
    }
    assert_eq!(scene.state().await, before);
}

#[tokio::test]
async fn a_wrong_method_is_405_and_the_right_one_is_named() {
    let scene = scene().await;
    let before = scene.state().await;
    let action = scene.action;
    let url = scene.device.artifact().await;
    let list = url.rsplit_once('/').unwrap().0.to_owned();
    for (path, right) in [
        (String::new(), "GET"),
        ("/configData".to_owned(), "PUT"),
        (format!("/deploymentBase/{action}"), "GET"),
        (format!("/deploymentBase/{action}/feedback"), "POST"),
        (format!("/cancelAction/{action}"), "GET"),
        (format!("/cancelAction/{action}/feedback"), "POST"),
        (format!("/installedBase/{action}"), "GET"),
        (list, "GET"),
        (url, "GET"),
    ] {
        for wrong in [
            Method::GET,
            Method::PUT,
            Method::POST,
            Method::DELETE,
            Method::PATCH,
        ] {
            if wrong.as_str() == right {
                continue;
            }
            let request = scene.device.request(wrong.clone(), &path);
            let request = request.header("content-type", JSON).body(SUCCESS);
            let answer = scene.device.send(request).await;
            assert_eq!(answer.status, 405, "{wrong} {path}");
            assert!(
                answer.header("allow").contains(right),
                "{wrong} {path}: {answer:?}"
            );
        }
    }
    assert_eq!(scene.state().await, before);
}

#[tokio::test]
async fn strangers_change_nothing_whatever_they_send() {
    let scene = scene().await;
    let before = scene.state().await;
    let action = scene.action;
    let image = scene.device.artifact().await;
    for authorization in [
        None,
        Some("TargetToken guess"),
        Some("GatewayToken guess"),
        Some("x"),
    ] {
        let stranger = scene.device.clone().authorization(authorization);
        for path in ["", &format!("/deploymentBase/{action}"), &image] {
            let answer = stranger.get(path).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (401, ""),
                "{path}"
            );
        }
        assert_eq!(stranger.feedback(action, SUCCESS).await, 401);
        assert_eq!(
            stranger.feedback(action, "{").await,
            401,
            "not even told what is wrong"
        );
        assert_eq!(stranger.cancel_feedback(action, SUCCESS).await, 401);
        assert_eq!(stranger.config_data(r#"{"data":{"a":"b"}}"#).await, 401);
    }
    assert_eq!(scene.state().await, before);
}

#[tokio::test]
async fn paths_that_are_none_are_404() {
    let scene = scene().await;
    for path in [
        "/",
        "/unknown",
        "/deploymentBase",
        "/deploymentBase/",
        "/cancelAction",
    ] {
        assert_eq!(scene.device.get(path).await.status, 404, "{path}");
    }
}
