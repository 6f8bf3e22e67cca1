//! SWUpdate's suricatta: its headers, its bodies and the order of its requests.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::raw::Connection;
use super::{Answer, Device, image, joined, roll_out, seen, slow_polls, status};
use crate::support::{GATEWAY, TestApp};

const ATTRIBUTES: &str = r#"{ "id": "", "time": "20260102T030405", "status": { "result": { "finished": "success" }, "execution": "closed", "details" : [ "" ] }, "mode": "replace", "data" : { "sw_version": "1.0.0","hw_revision": "1.0","hw_boardname": "sample" } }"#;

struct Swupdate(Device);

impl Swupdate {
    fn new(app: &TestApp, id: &str) -> Self {
        Self(Device::new(app, id).agent("libcurl-agent/1.0"))
    }

    /// Every JSON request says what it would send, even one that sends nothing.
    fn dressed(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.0.request(method, path);
        request
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("charsets", "utf-8")
            .header("charsets", "utf-8")
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = self.0.send(self.dressed(Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        answer
    }

    async fn link(&self, rel: &str) -> String {
        let poll = self.get("").await.json();
        poll["_links"][rel]["href"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn say(&self, path: &str, action: u64, execution: &str, result: &str, details: &str) {
        let body = format!(
            r#"{{ "id": {action}, "time": "20260102T030405", "status": {{ "result": {{ {result} }}, "execution": "{execution}", "details" : [ {details} ] }} }}"#
        );
        let request = self.dressed(Method::POST, &format!("/{path}/{action}/feedback"));
        let answer = self.0.send(request.body(body)).await;
        assert_eq!(answer.status, 200, "{execution} {result}");
    }

    async fn progress(&self, action: u64, cnt: u32, of: u32, details: &str) {
        let result = format!(r#""progress": {{ "cnt" : {cnt}, "of" : {of} }}, "finished": "none""#);
        self.say("deploymentBase", action, "proceeding", &result, details)
            .await;
    }

    async fn introduce(&self) {
        let request = self.dressed(Method::PUT, "/configData").body(ATTRIBUTES);
        assert_eq!(self.0.send(request).await.status, 200);
    }
}

#[tokio::test]
async fn a_full_cycle_with_a_restart_in_the_middle() {
    let app = TestApp::with(&slow_polls()).await;
    let client = Swupdate::new(&app, "sample-1");
    assert_eq!(client.link("deploymentBase").await, "");
    client.introduce().await;
    let seen_first = seen(&app, &client.0).await;
    let facts = ["model", "revision", "version"].map(|fact| seen_first[fact].clone());
    assert_eq!(facts, ["sample", "1.0", "1.0.0"].map(|text| json!(text)));
    let execution = roll_out(&app, "1.1.0").await;

    let href = client.link("deploymentBase").await;
    for _ in 0..3 {
        assert_eq!(client.link("deploymentBase").await, href);
        client.get(&href).await;
    }
    let document = client.get(&href).await.json();
    let action = document["id"].as_str().unwrap().parse().unwrap();
    client
        .progress(action, 0, 1, r#""Installing Update Chunk Artifacts.""#)
        .await;
    download(&client, &document).await;
    for index in 0..5 {
        let lines = (0..48).map(|line| format!("\"[{index}] line {line} of the log\""));
        let lines: Vec<String> = lines.collect();
        client.progress(action, index, 0, &lines.join(", ")).await;
    }
    assert_eq!(status(&app, &execution, &client.0).await, "installing");
    client
        .progress(action, 1, 1, r#""All Chunks Installed.""#)
        .await;
    assert_eq!(status(&app, &execution, &client.0).await, "rebooting");

    let client = Swupdate::new(&app, "sample-1");
    assert_eq!(
        client.link("deploymentBase").await,
        href,
        "offered until it is closed"
    );
    client.get(&href).await;
    let done = r#""finished": "success""#;
    client
        .say(
            "deploymentBase",
            action,
            "closed",
            done,
            r#""Update Installed.""#,
        )
        .await;
    assert_eq!(client.link("deploymentBase").await, "");
    assert_ne!(client.link("configData").await, "");
    let request = client.dressed(Method::PUT, "/configData");
    let said = ATTRIBUTES.replace("1.0.0", "1.1.0");
    assert_eq!(client.0.send(request.body(said)).await.status, 200);
    assert_eq!(client.link("configData").await, "");
    let over = app.admin().outcome(&execution).await;
    assert_eq!(
        (&over["status"], &over["counts"]),
        (&json!("succeeded"), &json!({"succeeded": 1}))
    );
    assert_eq!(seen(&app, &client.0).await["version"], "1.1.0");
}

/// HEAD for the size, a GET that breaks off, a GET for the rest.
async fn download(client: &Swupdate, document: &serde_json::Value) {
    let artifact = &document["deployment"]["chunks"][0]["artifacts"][0];
    let url = artifact["_links"]["download"]["href"].as_str().unwrap();
    let dressed = |method| {
        let request = client.0.request(method, url);
        request
            .header("accept", "application/octet-stream")
            .header("content-type", "application/octet-stream")
    };
    let head = client.0.send(dressed(Method::HEAD)).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), artifact["size"].to_string());
    let all = client.0.send(dressed(Method::GET)).await;
    assert_eq!(all.text.as_bytes(), image("1.1.0"));
    let rest = client
        .0
        .send(dressed(Method::GET).header("range", "bytes=1200-"))
        .await;
    assert_eq!(rest.status, 206);
    assert_eq!(rest.text.as_bytes(), &image("1.1.0")[1200..]);
}

#[tokio::test]
async fn attributes_are_announced_with_expect_and_sent_after_100_continue() {
    let app = TestApp::start().await;
    let client = Swupdate::new(&app, "sample-1");
    client.get("").await;
    let mut wire = Connection::open(&app).await;
    let head = format!(
        "PUT /DEFAULT/controller/v1/sample-1/configData HTTP/1.1\r\nHost: {}\r\n\
         User-Agent: libcurl-agent/1.0\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\ncharsets: utf-8\r\ncharsets: utf-8\r\n\
         Authorization: GatewayToken {GATEWAY}\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        app.server.address(),
        ATTRIBUTES.len()
    );
    wire.write(&head).await;
    assert_eq!(wire.head().await.status, 100);
    wire.write(ATTRIBUTES).await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(client.link("configData").await, "");
}

#[tokio::test]
async fn a_cancellation_before_the_install_is_acknowledged() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["sample-1"]).await;
    let client = Swupdate(device.agent("libcurl-agent/1.0"));
    let execution = roll_out(&app, "1.1.0").await;
    client.get(&client.link("deploymentBase").await).await;
    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;
    let href = client.link("cancelAction").await;
    let document = client.get(&href).await.json();
    let stop = document["cancelAction"]["stopId"].as_str().unwrap();
    assert_eq!(href.rsplit('/').next(), Some(stop));
    let details = r#""cancellation acknowledged.""#;
    let result = r#""finished": "success""#;
    client
        .say(
            "cancelAction",
            stop.parse().unwrap(),
            "closed",
            result,
            details,
        )
        .await;
    assert_eq!(client.link("cancelAction").await, "");
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["counts"], json!({"cancelled": 1}));
}

#[tokio::test]
async fn an_install_that_fails_is_told_with_its_reasons() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["sample-1"]).await;
    let client = Swupdate(device.agent("libcurl-agent/1.0"));
    let execution = roll_out(&app, "1.1.0").await;
    let document = client
        .get(&client.link("deploymentBase").await)
        .await
        .json();
    let action = document["id"].as_str().unwrap().parse().unwrap();
    let reasons = r#""Checksum does not match", "No suitable .swu image found""#;
    client
        .say(
            "deploymentBase",
            action,
            "closed",
            r#""finished": "failure""#,
            reasons,
        )
        .await;
    assert_eq!(status(&app, &execution, &client.0).await, "failed");
    let told = seen(&app, &client.0).await["attempts"][0]["messages"][0].clone();
    assert_eq!(told["report"], "failed");
    let words = json!(["Checksum does not match", "No suitable .swu image found"]);
    assert_eq!(told["details"], words);
}
