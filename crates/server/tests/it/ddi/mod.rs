//! The device API as its clients use it: hand-written requests and bodies over loopback, none of the
//! server's own types.

mod bad_input;
mod cancel;
mod config_data;
mod deployment;
mod download;
mod enrollment;
mod feedback;
mod late;
mod open_clients;
mod polling;
mod raw;
mod staging;
mod swupdate;
mod zephyr;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{CONFIG, GATEWAY, PATIENCE, TestApp};

/// Two feedback bodies that end an attempt.
const SUCCESS: &str = r#"{"status":{"execution":"closed","result":{"finished":"success"}}}"#;
const FAILURE: &str = r#"{"status":{"execution":"closed","result":{"finished":"failure"}}}"#;
const PROCEEDING: &str = r#"{"status":{"execution":"proceeding","result":{"finished":"none"},
    "details":["writing"]}}"#;

/// The configuration of most tests here: idle devices are told to come once an hour.
fn slow_polls() -> String {
    CONFIG.replace("poll_interval: 2", "poll_interval: 3600")
}

/// A device at the other end of the wire.
#[derive(Clone)]
struct Device {
    http: reqwest::Client,
    host: String,
    tenant: String,
    id: String,
    authorization: Option<String>,
    agent: &'static str,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Device {
    /// A device of `production` behind its gateway.
    fn new(app: &TestApp, id: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            host: app.url(""),
            tenant: "DEFAULT".to_owned(),
            id: id.to_owned(),
            authorization: Some(format!("GatewayToken {GATEWAY}")),
            agent: "test-client/1",
        }
    }

    fn tenant(mut self, tenant: &str) -> Self {
        tenant.clone_into(&mut self.tenant);
        self
    }

    fn authorization(mut self, value: Option<&str>) -> Self {
        self.authorization = value.map(str::to_owned);
        self
    }

    fn agent(mut self, agent: &'static str) -> Self {
        self.agent = agent;
        self
    }

    fn root(&self) -> String {
        format!("{}/{}/controller/v1/{}", self.host, self.tenant, self.id)
    }

    /// A request to a path below the device's own, or to a whole URL.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            self.root() + path
        };
        let request = self
            .http
            .request(method, url)
            .header("user-agent", self.agent);
        match &self.authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        Answer {
            status: answer.status(),
            headers: answer.headers().clone(),
            text: String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    async fn ok(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "GET {path}: {answer:?}");
        answer.json()
    }

    async fn body(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = self.request(method, path);
        let request = request
            .header("content-type", "application/json;charset=UTF-8")
            .body(body.to_owned());
        self.send(request).await
    }

    async fn config_data(&self, body: &str) -> StatusCode {
        self.body(Method::PUT, "/configData", body).await.status
    }

    async fn feedback(&self, action: u64, body: &str) -> StatusCode {
        let path = format!("/deploymentBase/{action}/feedback");
        self.body(Method::POST, &path, body).await.status
    }

    async fn cancel_feedback(&self, action: u64, body: &str) -> StatusCode {
        let path = format!("/cancelAction/{action}/feedback");
        self.body(Method::POST, &path, body).await.status
    }

    async fn poll(&self) -> Value {
        self.ok("").await
    }

    /// The link of this name in a poll, empty where it is not there.
    async fn link(&self, rel: &str) -> String {
        let poll = self.poll().await;
        let href = poll["_links"][rel]["href"].as_str();
        href.unwrap_or_default().to_owned()
    }

    /// Polls until a link of this name is there.
    async fn link_comes(&self, rel: &str) -> String {
        let begun = Instant::now();
        loop {
            let href = self.link(rel).await;
            if !href.is_empty() {
                return href;
            }
            assert!(begun.elapsed() < PATIENCE, "no {rel} for {}", self.id);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Polls until a deployment is offered; answers with its number and what is to be installed.
    async fn offer(&self) -> (u64, Value) {
        let href = self.link_comes("deploymentBase").await;
        let document = self.ok(&href).await;
        let number = document["id"].as_str().unwrap().parse().unwrap();
        (number, document)
    }

    async fn artifact(&self) -> String {
        let (_, document) = self.offer().await;
        let artifact = &document["deployment"]["chunks"][0]["artifacts"][0];
        artifact["_links"]["download-http"]["href"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Devices of `production` that have come once and said what they run.
async fn joined<const N: usize>(app: &TestApp, ids: [&str; N]) -> [Device; N] {
    let devices = ids.map(|id| Device::new(app, id));
    for device in &devices {
        device.poll().await;
        let said = r#"{"data":{"sw_version":"1.0.0","model":"pump"}}"#;
        assert_eq!(device.config_data(said).await, 200);
    }
    devices
}

/// A plan for all of `production` that no failure stops.
fn plan(version: &str, strategy: &str) -> Value {
    json!({
        "name": format!("To {version}"), "firmware_version": version, "strategy": strategy,
        "target_environment": "production", "monitor_seconds": 0, "auto_rollback": false,
        "rollback_criteria": {"max_failure_rate": 100},
    })
}

/// Uploads a version and offers it to all of `production` at once; answers with the execution's id.
async fn roll_out(app: &TestApp, version: &str) -> String {
    let admin = app.admin();
    admin.upload(version).await;
    admin.roll_out(plan(version, "immediate")).await
}

/// The status of every device of an execution.
async fn statuses(app: &TestApp, execution: &str) -> BTreeMap<String, String> {
    let path = format!("/api/deployments/{execution}/devices?limit=100");
    let found = app.admin().get(&path).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = found["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| (text(&item["device_id"]), text(&item["status"])))
        .collect()
}

async fn status(app: &TestApp, execution: &str, device: &Device) -> String {
    statuses(app, execution).await.remove(&device.id).unwrap()
}

/// What people see of a device.
async fn seen(app: &TestApp, device: &Device) -> Value {
    app.admin()
        .get(&format!("/api/devices/{}", device.id))
        .await
}

/// The bytes that `Client::upload` uploads for a version.
fn image(version: &str) -> Vec<u8> {
    format!("image of version {version}")
        .repeat(100)
        .into_bytes()
}
