//! rauc-hawkbit-updater, which takes exactly 200 and nothing else, and clients built on hawkbit-rs,
//! which read strictly and write freely.

use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::{Device, image, joined, plan, roll_out, seen, status};
use crate::support::TestApp;

const RAUC: &str = "rauc-hawkbit-c-agent/1.0";

/// A request as rauc-hawkbit-updater makes it, with paths that it builds itself.
async fn rauc(device: &Device, method: Method, path: &str, body: &str) -> String {
    let json = "application/json;charset=UTF-8";
    let request = device.request(method, path).header("accept", json);
    let request = request.header("content-type", json).body(body.to_owned());
    let answer = device.send(request).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

async fn rauc_says(device: &Device, action: &str, execution: &str, finished: &str, word: &str) {
    let body = json!({
        "id": action, "time": "20260102T030405",
        "status": {"result": {"finished": finished}, "execution": execution, "details": [word]},
    });
    let path = format!("/deploymentBase/{action}/feedback");
    rauc(device, Method::POST, &path, &body.to_string()).await;
}

async fn rauc_reads(device: &Device, href: &str) -> Value {
    serde_json::from_str(&rauc(device, Method::GET, href, "").await).unwrap()
}

#[tokio::test]
async fn rauc_fills_a_slot_waits_and_switches() {
    let app = TestApp::start().await;
    let device = Device::new(&app, "gate-1").agent(RAUC);
    rauc(&device, Method::GET, "", "").await;
    let said = r#"{"time":"20260102T030405","status":{"result":{"finished":"success"},
        "execution":"closed","details":[""]},"data":{"product":"gate","model":"gate"}}"#;
    rauc(&device, Method::PUT, "/configData", said).await;
    let wanted = json!({"product": "gate", "model": "gate"});
    assert_eq!(seen(&app, &device).await["attributes"], wanted);
    app.admin().upload("2.0.0").await;
    let execution = app.admin().roll_out(plan("2.0.0", "blue_green")).await;

    let href = device.link_comes("deploymentBase").await;
    let document = rauc_reads(&device, &href).await;
    let deployment = &document["deployment"];
    assert_eq!(
        (&deployment["download"], &deployment["update"]),
        (&json!("forced"), &json!("skip"))
    );
    assert!(
        deployment.get("maintenanceWindow").is_none(),
        "so it downloads now"
    );
    let action = document["id"].as_str().unwrap();
    let artifact = &deployment["chunks"][0]["artifacts"][0];
    let url = artifact["_links"]["download"]["href"].as_str().unwrap();
    let all = device.get(url).await;
    assert_eq!(all.text.as_bytes(), image("2.0.0"));
    let resume = format!("bytes={}-", artifact["size"]);
    let over = device.request(Method::GET, url).header("range", resume);
    assert_eq!(
        device.send(over).await.status,
        416,
        "a complete file is complete"
    );
    rauc_says(&device, action, "proceeding", "none", "Download complete.").await;
    rauc_says(&device, action, "proceeding", "none", "File checksum OK.").await;
    rauc_says(&device, action, "downloaded", "success", "File downloaded.").await;
    assert_eq!(seen(&app, &device).await["version"], "");

    app.admin()
        .until(&execution, |e| e["status"] == "observing")
        .await;
    let switched = device.link("deploymentBase").await;
    assert_ne!(switched, href);
    let document = rauc_reads(&device, &switched).await;
    assert_eq!(
        (&document["id"], &document["deployment"]["update"]),
        (&json!(action), &json!("forced"))
    );
    rauc_says(&device, action, "proceeding", "none", "writing slot b").await;
    assert_eq!(status(&app, &execution, &device).await, "installing");
    rauc_says(
        &device,
        action,
        "closed",
        "success",
        "Software bundle installed.",
    )
    .await;
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["counts"], json!({"succeeded": 1}));
    assert_eq!(seen(&app, &device).await["version"], "2.0.0");
}

#[tokio::test]
async fn rauc_refuses_to_stop_in_the_middle_of_an_install() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["gate-1"]).await;
    let device = device.agent(RAUC);
    let execution = roll_out(&app, "1.1.0").await;
    let document = rauc_reads(&device, &device.link("deploymentBase").await).await;
    let action = document["id"].as_str().unwrap();
    rauc_says(&device, action, "proceeding", "none", "writing slot b").await;
    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;
    let cancel = rauc_reads(&device, &device.link("cancelAction").await).await;
    let stop = cancel["cancelAction"]["stopId"].as_str().unwrap();
    let refused = json!({"id": stop, "time": "20260102T030405", "status": {
        "result": {"finished": "success"}, "execution": "rejected", "details": ["installing"]}});
    let path = format!("/cancelAction/{stop}/feedback");
    rauc(&device, Method::POST, &path, &refused.to_string()).await;
    rauc_says(
        &device,
        action,
        "closed",
        "success",
        "Software bundle installed.",
    )
    .await;
    assert_eq!(status(&app, &execution, &device).await, "succeeded");
}

/// hawkbit-rs parses each link and replaces what comes after its path.
fn feedback_of(href: &str) -> String {
    let mut url = Url::parse(href).unwrap();
    url.set_query(None);
    url.path_segments_mut().unwrap().push("feedback");
    url.to_string()
}

#[tokio::test]
async fn hawkbit_rs_writes_freely_and_is_understood() {
    let app = TestApp::start().await;
    let new = json!({"device_id": "meter-1", "environment": "production"});
    let token = app.admin().post("/api/devices", new).await["token"].clone();
    let token = format!("TargetToken {}", token.as_str().unwrap());
    let device = Device::new(&app, "meter-1").authorization(Some(&token));
    let link = device.link("configData").await;
    let said = r#"{"id":null,"time":null,"mode":null,"data":{"serial":42,"lab":true,"sw_version":"1.0.0"},
        "status":{"execution":"closed","result":{"finished":"success","progress":null},"details":[]}}"#;
    assert_eq!(device.body(Method::PUT, &link, said).await.status, 200);
    let attributes = json!({"lab": "true", "serial": "42", "sw_version": "1.0.0"});
    assert_eq!(seen(&app, &device).await["attributes"], attributes);

    let execution = roll_out(&app, "1.1.0").await;
    let href = device.link("deploymentBase").await;
    let document = device.ok(&href).await;
    let action = document["id"].as_str().unwrap();
    let url = device.artifact().await;
    let rest = device
        .request(Method::GET, &url)
        .header("range", "bytes=7-");
    let rest = device.send(rest).await;
    assert_eq!(
        (rest.status.as_u16(), rest.text.as_bytes()),
        (206, &image("1.1.0")[7..])
    );
    let feedback = feedback_of(&href);
    for progress in [
        json!({"done": "much"}),
        json!(0.5),
        json!(null),
        json!("all"),
    ] {
        let body = json!({"id": action, "status": {"execution": "proceeding", "code": -3,
            "result": {"finished": "none", "progress": progress}, "details": []}});
        let answer = device
            .body(Method::POST, &feedback, &body.to_string())
            .await;
        assert_eq!(answer.status, 200, "{body}");
    }
    assert_eq!(status(&app, &execution, &device).await, "installing");

    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;
    let href = device.link("cancelAction").await;
    let document = device.ok(&href).await;
    assert_eq!(document["id"], action);
    let body = json!({"id": action, "status": {"execution": "canceled",
        "result": {"finished": "success"}, "details": ["stopped"]}});
    let answer = device
        .body(Method::POST, &feedback_of(&href), &body.to_string())
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(status(&app, &execution, &device).await, "cancelled");
    assert_eq!(device.link("cancelAction").await, "");
}
