//! What devices say of themselves.

use serde_json::{Value, json};

use super::{Device, SUCCESS, joined, roll_out, seen, slow_polls};
use crate::support::TestApp;

async fn attributes(app: &TestApp, device: &Device) -> Value {
    seen(app, device).await["attributes"].clone()
}

#[tokio::test]
async fn modes_merge_replace_and_remove() {
    let app = TestApp::start().await;
    let device = Device::new(&app, "pump-1");
    device.poll().await;
    let steps = [
        (r#"{"data":{"a":"1","b":"2"}}"#, json!({"a": "1", "b": "2"})),
        (
            r#"{"mode":"merge","data":{"b":"3","c":"4"}}"#,
            json!({"a": "1", "b": "3", "c": "4"}),
        ),
        (
            r#"{"mode":null,"data":{"d":"5"}}"#,
            json!({"a": "1", "b": "3", "c": "4", "d": "5"}),
        ),
        (
            r#"{"mode":"remove","data":{"a":"","d":"whatever","z":""}}"#,
            json!({"b": "3", "c": "4"}),
        ),
        (r#"{"mode":"replace","data":{"x":"9"}}"#, json!({"x": "9"})),
        (
            r#"{"mode":"replace","data":{"n":7,"t":true,"e":null,"l":[1]},
                "id":"","time":"20260102T030405","future":{},
                "status":{"result":{"finished":"success"},"execution":"closed","details":[""]}}"#,
            json!({"e": "", "l": "[1]", "n": "7", "t": "true"}),
        ),
    ];
    for (said, wanted) in steps {
        assert_eq!(device.config_data(said).await, 200, "{said}");
        assert_eq!(attributes(&app, &device).await, wanted, "{said}");
    }
}

#[tokio::test]
async fn too_much_is_taken_as_far_as_it_fits() {
    let app = TestApp::start().await;
    let device = Device::new(&app, "pump-1");
    device.poll().await;
    let mut data = serde_json::Map::new();
    for index in 0..150 {
        data.insert(format!("a-{index:03}"), json!("x"));
    }
    data.insert("k".repeat(300), json!("v".repeat(300)));
    data.insert("sw_version".to_owned(), json!("1.4.2"));
    let said = json!({"mode": "replace", "data": data}).to_string();
    assert_eq!(device.config_data(&said).await, 200);
    assert_eq!(
        attributes(&app, &device).await.as_object().unwrap().len(),
        100
    );
    assert_eq!(seen(&app, &device).await["version"], "1.4.2");

    let long = json!({"mode": "replace", "data": {"k".repeat(300): "v".repeat(300)}});
    assert_eq!(device.config_data(&long.to_string()).await, 200);
    let kept = json!({"k".repeat(128): "v".repeat(128)});
    assert_eq!(attributes(&app, &device).await, kept);
}

#[tokio::test]
async fn attributes_tell_the_hardware_and_the_version() {
    let app = TestApp::start().await;
    let cases = [
        (
            r#"{"hw_boardname":"pump","hw_revision":"C","sw_version":"1.0.0"}"#,
            ["pump", "C", "1.0.0"],
        ),
        (
            r#"{"model":"valve","revision":"2","firmware_version":"7"}"#,
            ["valve", "2", "7"],
        ),
        (
            r#"{"device_type":"meter","hwRevision":"B","swVersion":"3.1"}"#,
            ["meter", "B", "3.1"],
        ),
        (r#"{"VIN":"0123"}"#, ["", "", ""]),
    ];
    for (index, (data, wanted)) in cases.into_iter().enumerate() {
        let device = Device::new(&app, &format!("unit-{index}")).agent("agent/7");
        device.poll().await;
        let said = format!(r#"{{"mode":"merge","data":{data}}}"#);
        assert_eq!(device.config_data(&said).await, 200);
        let seen = seen(&app, &device).await;
        let facts = ["model", "revision", "version"].map(|fact| seen[fact].as_str().unwrap());
        assert_eq!(facts, wanted, "{data}");
        assert_eq!(seen["client"], "agent/7");
    }
}

#[tokio::test]
async fn an_old_attribute_does_not_take_an_update_back() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert_eq!(seen(&app, &device).await["version"], "1.1.0");
    for said in [
        r#"{"mode":"merge","data":{"site":"north"}}"#,
        r#"{"mode":"remove","data":{"sw_version":"0.0.1"}}"#,
    ] {
        assert_eq!(device.config_data(said).await, 200);
        assert_eq!(seen(&app, &device).await["version"], "1.1.0", "{said}");
    }
    let said = r#"{"data":{"sw_version":"1.1.1"}}"#;
    assert_eq!(device.config_data(said).await, 200);
    assert_eq!(seen(&app, &device).await["version"], "1.1.1");
}

#[tokio::test]
async fn attributes_are_asked_for_at_first_and_after_a_success() {
    let app = TestApp::with(&slow_polls()).await;
    let device = Device::new(&app, "pump-1");
    assert_ne!(device.link("configData").await, "");
    assert_ne!(device.link("configData").await, "", "until they are given");
    let said = r#"{"data":{"sw_version":"1.0.0"}}"#;
    assert_eq!(device.config_data(said).await, 200);
    assert_eq!(device.link("configData").await, "");

    roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    assert_eq!(device.link("configData").await, "");
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert_ne!(device.link("configData").await, "");
    assert_eq!(
        device
            .config_data(r#"{"data":{"sw_version":"1.1.0"}}"#)
            .await,
        200
    );
    assert_eq!(device.link("configData").await, "");
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert_ne!(
        device.link("configData").await,
        "",
        "what comes late may be undone since: the device is asked"
    );
}

#[tokio::test]
async fn a_failure_asks_for_nothing() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    assert_eq!(device.feedback(action, super::FAILURE).await, 200);
    assert_eq!(device.link("configData").await, "");
    assert_eq!(seen(&app, &device).await["version"], "1.0.0");
}

#[tokio::test]
async fn attributes_given_unasked_are_taken() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    for _ in 0..3 {
        let said = r#"{"mode":"replace","data":{"a":"1"}}"#;
        assert_eq!(device.config_data(said).await, 200);
        assert_eq!(device.link("configData").await, "");
    }
    assert_eq!(attributes(&app, &device).await, json!({"a": "1"}));
}
