//! Who gets in, where a new device lands, and that no device reaches another.

use reqwest::Method;
use serde_json::json;

use super::{Device, SUCCESS, joined, roll_out, seen, slow_polls, status};
use crate::support::{CONFIG, TestApp};

const STAGING: &str = "GatewayToken test-gateway-token-staging-01";
const PRODUCTION: &str = "GatewayToken test-gateway-token-0123456789";
const CLOSED: &str = "GatewayToken test-gateway-token-closed-001";
const OWN: &str = "TargetToken a-token-of-my-own-0123";

#[tokio::test]
async fn a_first_poll_joins_where_the_environment_lets_it() {
    let app = TestApp::start().await;
    let cases = [
        ("lab", None, 200),
        ("lab", Some(OWN), 200),
        ("lab", Some(PRODUCTION), 401),
        ("staging", None, 401),
        ("staging", Some(OWN), 401),
        ("staging", Some(STAGING), 200),
        ("staging", Some(PRODUCTION), 401),
        ("staging", Some("GatewayToken wrong"), 401),
        (
            "staging",
            Some("gatewaytoken test-gateway-token-staging-01"),
            401,
        ),
        ("staging", Some("Basic dGVzdDp0ZXN0"), 401),
        ("closed", None, 401),
        ("closed", Some(OWN), 401),
        ("closed", Some(PRODUCTION), 401),
        ("closed", Some(CLOSED), 403),
        ("DEFAULT", None, 200),
        ("DEFAULT", Some(STAGING), 200),
        ("DEFAULT", Some(CLOSED), 403),
        ("DEFAULT", Some("GatewayToken wrong"), 401),
        ("nowhere", None, 404),
        ("nowhere", Some(PRODUCTION), 404),
    ];
    for (index, (tenant, authorization, wanted)) in cases.into_iter().enumerate() {
        let device = Device::new(&app, &format!("new-{index}"))
            .tenant(tenant)
            .authorization(authorization);
        let answer = device.get("").await;
        assert_eq!(answer.status, wanted, "{tenant} {authorization:?}");
        if wanted == 401 {
            assert_eq!(answer.text, "", "nothing is told to strangers");
        }
        let path = format!("/api/devices/{}", device.id);
        let (known, _) = app.admin().try_get(&path).await;
        assert_eq!(known.is_success(), wanted == 200, "{tenant}");
    }
}

#[tokio::test]
async fn a_tenant_is_an_environment_in_any_case_or_default() {
    let app = TestApp::start().await;
    for (index, tenant) in [
        "production",
        "PRODUCTION",
        "Production",
        "DEFAULT",
        "default",
    ]
    .into_iter()
    .enumerate()
    {
        let device = Device::new(&app, &format!("pump-{index}")).tenant(tenant);
        let link = device.link("configData").await;
        assert_eq!(
            device
                .body(Method::PUT, &link, r#"{"data":{"a":"b"}}"#)
                .await
                .status,
            200
        );
        assert_eq!(seen(&app, &device).await["environment"], "production");
        if tenant.eq_ignore_ascii_case("default") {
            assert!(link.contains("/DEFAULT/controller/v1/"), "{link}");
        }
    }
    let lost = Device::new(&app, "pump-0").tenant("nowhere");
    assert_eq!(lost.get("").await.status, 404);
    assert_eq!(lost.config_data(r#"{"data":{"a":"c"}}"#).await, 404);
    let open = Device::new(&app, "bench-1").authorization(None);
    open.poll().await;
    assert_eq!(seen(&app, &open).await["environment"], "lab");
}

#[tokio::test]
async fn a_device_is_reached_only_with_what_belongs_to_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let add =
        |id: &str, token: &str| json!({"device_id": id, "environment": "closed", "token": token});
    admin
        .post("/api/devices", add("valve-1", "valve-1-token-0123456"))
        .await;
    let made = json!({"device_id": "valve-2", "environment": "closed"});
    let made = admin.post("/api/devices", made).await;
    let valve_2 = format!("TargetToken {}", made["token"].as_str().unwrap());
    let cases = [
        ("valve-1", Some("TargetToken valve-1-token-0123456"), 200),
        ("valve-1", Some("TargetToken valve-1-token-0123456x"), 401),
        ("valve-1", Some("TargetToken "), 401),
        ("valve-1", Some("valve-1-token-0123456"), 401),
        ("valve-1", None, 401),
        ("valve-1", Some(CLOSED), 200),
        ("valve-1", Some(PRODUCTION), 401),
        ("valve-1", Some("GatewayToken valve-1-token-0123456"), 401),
        ("valve-1", Some(valve_2.as_str()), 401),
        ("valve-2", Some(valve_2.as_str()), 200),
    ];
    for (id, authorization, wanted) in cases {
        let device = Device::new(&app, id).authorization(authorization);
        let said = device.config_data(r#"{"data":{"a":"b"}}"#).await;
        assert_eq!(said, wanted, "{id} {authorization:?}");
        assert_eq!(
            device.get("").await.status,
            wanted,
            "{id} {authorization:?}"
        );
    }
    let stranger = Device::new(&app, "valve-3").authorization(Some(STAGING));
    assert_eq!(stranger.config_data(r#"{"data":{"a":"b"}}"#).await, 401);
}

#[tokio::test]
async fn a_token_shown_at_the_first_contact_is_kept() {
    let app = TestApp::start().await;
    let device = Device::new(&app, "bench-1")
        .tenant("lab")
        .authorization(Some(OWN));
    device.poll().await;
    assert_eq!(seen(&app, &device).await["has_token"], true);
    for other in [None, Some("TargetToken another-token-012345")] {
        let other = device.clone().authorization(other);
        assert_eq!(other.get("").await.status, 401);
    }
    assert_eq!(device.get("").await.status, 200);
}

#[tokio::test]
async fn a_stranger_is_no_sign_of_life() {
    let app = TestApp::start().await;
    let new =
        json!({"device_id": "valve-1", "environment": "closed", "token": "valve-1-token-0123456"});
    app.admin().post("/api/devices", new).await;
    let stranger = Device::new(&app, "valve-1").authorization(None);
    assert_eq!(stranger.get("").await.status, 401);
    let app = app.restart(CONFIG).await;
    let device =
        Device::new(&app, "valve-1").authorization(Some("TargetToken valve-1-token-0123456"));
    assert!(seen(&app, &device).await["last_seen_at"].is_null());
    device.poll().await;
    let app = app.restart(CONFIG).await;
    assert!(seen(&app, &device).await["last_seen_at"].is_string());
}

#[tokio::test]
async fn no_device_touches_what_is_offered_to_another() {
    let app = TestApp::with(&slow_polls()).await;
    let [mine] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = mine.offer().await;
    let image = mine.artifact().await;

    let [other] = joined(&app, ["pump-2"]).await;
    assert_eq!(other.link("deploymentBase").await, "");
    for path in ["deploymentBase", "cancelAction", "installedBase"] {
        let answer = other.get(&format!("/{path}/{action}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(other.feedback(action, SUCCESS).await, 404);
    assert_eq!(other.cancel_feedback(action, SUCCESS).await, 404);
    let theirs = image.replace("/pump-1/", "/pump-2/");
    assert_eq!(other.get(&theirs).await.status, 404);
    assert_eq!(other.get(&format!("{theirs}.MD5SUM")).await.status, 404);
    let list = theirs.rsplit_once('/').unwrap().0;
    assert_eq!(other.get(list).await.status, 404);

    let wrong = mine.clone().authorization(Some(STAGING));
    assert_eq!(wrong.get("").await.status, 401);
    assert_eq!(wrong.feedback(action, SUCCESS).await, 401);
    assert_eq!(wrong.get(&image).await.status, 401);
    assert_eq!(status(&app, &execution, &mine).await, "downloading");
    assert_eq!(mine.get(&image).await.status, 200);
}

#[tokio::test]
async fn ids_are_any_text_of_up_to_256_characters() {
    let app = TestApp::start().await;
    let long = "x".repeat(256);
    for (in_the_path, id) in [
        ("pumpe%20%C3%BC%207", "pumpe ü 7"),
        ("a%2Bb%3Fc%23d", "a+b?c#d"),
        (long.as_str(), long.as_str()),
    ] {
        let device = Device::new(&app, in_the_path);
        let link = device.link("configData").await;
        assert!(
            link.ends_with(&format!("/{in_the_path}/configData")),
            "{link}"
        );
        let answer = device
            .body(Method::PUT, &link, r#"{"data":{"a":"b"}}"#)
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(seen(&app, &device).await["device_id"], id);
    }
    for bad in ["x".repeat(257), "a%2Fb".to_owned(), "a%0Ab".to_owned()] {
        let answer = Device::new(&app, &bad).get("").await;
        assert_eq!(answer.status, 400, "{bad}");
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
}
