//! A DDI server of the simplest kind: offers every device one update, and keeps what it is told. Not a model of the real server.

#![expect(
    clippy::unwrap_used,
    reason = "a server double may panic: the test then fails"
)]

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, body::Bytes};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The token devices must send.
pub(crate) const TOKEN: &str = "factory-floor";
/// The version offered.
pub(crate) const VERSION: &str = "2.0.0";
/// The file offered.
const FIRMWARE: &[u8] = b"not much of a firmware, but enough of one to be downloaded and verified";
/// Every so many reports are turned away once.
const HICCUP: u64 = 7;

/// What the server knows.
pub(crate) struct Double {
    /// Its address.
    pub(crate) base_url: String,
    targets: Mutex<BTreeMap<String, Target>>,
    ended: watch::Sender<usize>,
    reports: Mutex<u64>,
}

/// What the server knows of one device.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Its action.
    pub(crate) action: u32,
    /// What the device says of itself.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Reports taken, as execution and finished.
    pub(crate) reports: Vec<(String, String)>,
}

impl Target {
    /// How the device's update ended.
    pub(crate) fn end(&self) -> Option<&str> {
        self.reports
            .iter()
            .find(|(execution, _)| execution == "closed")
            .map(|(_, finished)| finished.as_str())
    }
}

impl Double {
    /// Starts a server on a free port; it lives as long as the test's runtime.
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let double = Arc::new(Self {
            base_url: format!("http://{}", listener.local_addr().unwrap()),
            targets: Mutex::default(),
            ended: watch::Sender::new(0),
            reports: Mutex::default(),
        });
        let device = Router::new()
            .route("/", get(poll))
            .route("/configData", put(attributes))
            .route("/deploymentBase/{action}", get(deployment))
            .route("/deploymentBase/{action}/feedback", post(feedback))
            .route("/softwaremodules/1/artifacts/pump.swu", get(artifact))
            .layer(middleware::from_fn(authenticate))
            .with_state(Arc::clone(&double));
        let app = Router::new().nest("/DEFAULT/controller/v1/{device}", device);
        tokio::spawn(async move { axum::serve(listener, app).await });
        double
    }

    /// Waits until so many devices have told the end of their update.
    pub(crate) async fn ended(&self, devices: usize) {
        self.ended
            .subscribe()
            .wait_for(|ended| *ended >= devices)
            .await
            .unwrap();
    }

    /// All devices by name.
    pub(crate) fn targets(&self) -> MutexGuard<'_, BTreeMap<String, Target>> {
        self.targets.lock().unwrap()
    }

    fn url(&self, device: &str, rest: &str) -> Value {
        json!({ "href": format!("{}/DEFAULT/controller/v1/{device}/{rest}", self.base_url) })
    }
}

async fn authenticate(headers: HeaderMap, request: Request, next: Next) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if given == Some(&format!("GatewayToken {TOKEN}")) {
        next.run(request).await
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

async fn poll(State(double): State<Arc<Double>>, Path(device): Path<String>) -> Json<Value> {
    let mut targets = double.targets();
    let action = 101 + targets.len() as u32;
    let target = targets.entry(device.clone()).or_insert_with(|| Target {
        action,
        attributes: BTreeMap::new(),
        reports: Vec::new(),
    });
    let mut links = json!({});
    if target.attributes.is_empty() {
        links["configData"] = double.url(&device, "configData");
    } else if target.end().is_none() {
        links["deploymentBase"] =
            double.url(&device, &format!("deploymentBase/{}?c=-5", target.action));
    }
    Json(json!({ "config": { "polling": { "sleep": "00:00:10" } }, "_links": links }))
}

async fn attributes(
    State(double): State<Arc<Double>>,
    Path(device): Path<String>,
    Json(body): Json<Value>,
) {
    let data = serde_json::from_value(body["data"].clone()).unwrap();
    double.targets().get_mut(&device).unwrap().attributes = data;
}

async fn deployment(
    State(double): State<Arc<Double>>,
    Path((device, action)): Path<(String, u32)>,
) -> Response {
    if double.targets()[&device].action != action {
        return StatusCode::NOT_FOUND.into_response();
    }
    let sha256 = hex::encode(Sha256::digest(FIRMWARE));
    let file = double.url(&device, "softwaremodules/1/artifacts/pump.swu");
    Json(json!({ "id": action.to_string(), "deployment": {
        "download": "forced", "update": "forced",
        "chunks": [{ "part": "os", "version": VERSION, "name": "pump", "artifacts": [{
            "filename": "pump.swu", "size": FIRMWARE.len(), "_links": { "download-http": file },
            "hashes": { "sha1": "unused", "md5": "unused", "sha256": sha256 },
        }] }],
    } }))
    .into_response()
}

async fn feedback(
    State(double): State<Arc<Double>>,
    Path((device, action)): Path<(String, u32)>,
    body: Bytes,
) -> StatusCode {
    let count = {
        let mut reports = double.reports.lock().unwrap();
        *reports += 1;
        *reports
    };
    if count.is_multiple_of(HICCUP) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    let word = |pointer| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    let mut targets = double.targets();
    let target = targets.get_mut(&device).unwrap();
    assert_eq!(
        (target.action, body["id"].as_str()),
        (action, Some(action.to_string().as_str()))
    );
    target
        .reports
        .push((word("/status/execution"), word("/status/result/finished")));
    let ended = targets
        .values()
        .filter(|target| target.end().is_some())
        .count();
    double.ended.send_replace(ended);
    StatusCode::OK
}

async fn artifact() -> &'static [u8] {
    FIRMWARE
}
