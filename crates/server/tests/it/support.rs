//! A whole server in process on a temporary folder and a free port, and clients by role.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fleetward_core::Timestamp;
use fleetward_server::clock::Clock;
use fleetward_server::config::{Config, Sources, check};
use fleetward_server::{ServeOptions, Server, start};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The admin key of every test server.
pub(crate) const ADMIN: &str = "test-admin-key-0123456789abcdef0123456789";
/// The gateway token of `staging` and `production`.
pub(crate) const GATEWAY: &str = "test-gateway-token-0123456789";

/// The configuration of a test server: polls as often as the protocol allows.
pub(crate) const CONFIG: &str = r#"
environments:
  staging:
    stage: staging
    auto_rollback: true
    gateway_tokens: ["test-gateway-token-staging-01"]
  production:
    stage: production
    approval_required: true
    auto_rollback: true
    rollback_timeout: 5
    gateway_tokens: ["test-gateway-token-0123456789"]
  closed:
    stage: testing
    enrollment: closed
    gateway_tokens: ["test-gateway-token-closed-001"]
  lab:
    stage: development
    enrollment: open
approvals:
  four_eyes: false
devices:
  poll_interval: 2
  poll_interval_active: 1
"#;

/// A running server.
pub(crate) struct TestApp {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
    pub(crate) http: reqwest::Client,
}

impl TestApp {
    /// A server with the configuration of all tests.
    pub(crate) async fn start() -> Self {
        Self::with(CONFIG).await
    }

    /// A server with this configuration.
    pub(crate) async fn with(config: &str) -> Self {
        Self::on(config, tempfile::tempdir().unwrap()).await
    }

    /// A server on a folder that exists.
    pub(crate) async fn on(config: &str, folder: TempDir) -> Self {
        Self::by(Clock::system(), config, folder).await
    }

    /// The same, by this clock.
    pub(crate) async fn by(clock: Clock, config: &str, folder: TempDir) -> Self {
        // What the server can't do is said in its log: a failed test shows it.
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR);
        drop(log.with_test_writer().try_init());
        let options = ServeOptions {
            config: configuration(config),
            data_dir: folder.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            bootstrap_key: Some(ADMIN.to_owned()),
            clock,
        };
        let server = start(options).await.unwrap();
        Self {
            server,
            folder,
            http: reqwest::Client::new(),
        }
    }

    /// Stops, and starts again on the same folder.
    pub(crate) async fn restart(self, config: &str) -> Self {
        let Self { server, folder, .. } = self;
        server.stop().await;
        Self::on(config, folder).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// The client of someone with this key.
    pub(crate) fn client(&self, key: &str) -> Client<'_> {
        Client {
            app: self,
            key: key.to_owned(),
        }
    }

    pub(crate) fn admin(&self) -> Client<'_> {
        self.client(ADMIN)
    }

    /// A client with a key of this role.
    pub(crate) async fn role(&self, role: &str) -> Client<'_> {
        let made = self
            .admin()
            .post("/api/keys", json!({"name": role, "role": role}))
            .await;
        self.client(made["key"].as_str().unwrap())
    }
}

/// A clock that stands still until it is moved on.
#[derive(Clone)]
pub(crate) struct StoppedClock(Arc<AtomicI64>);

impl StoppedClock {
    /// At a moment in RFC 3339.
    pub(crate) fn at(moment: &str) -> Self {
        let moment: Timestamp = moment.parse().unwrap();
        Self(Arc::new(AtomicI64::new(moment.as_second())))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub(crate) fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::of(move || this.now())
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

pub(crate) fn configuration(text: &str) -> Config {
    let sources = Sources::of(|_| None, |_| Err(std::io::ErrorKind::NotFound.into()));
    check("test.yaml", text, &sources).unwrap().0
}

/// Someone with a key.
pub(crate) struct Client<'a> {
    app: &'a TestApp,
    key: String,
}

impl Client<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app
            .http
            .request(method, self.app.url(path))
            .header("x-api-key", &self.key)
    }

    /// Status and body of an answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    pub(crate) async fn try_get(&self, path: &str) -> (StatusCode, Value) {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path).await;
        assert!(status.is_success(), "GET {path}: {status} {body}");
        body
    }

    pub(crate) async fn try_post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(self.request(Method::POST, path).json(&body))
            .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.try_post(path, body).await;
        assert!(status.is_success(), "POST {path}: {status} {body}");
        body
    }

    /// Uploads a raw image for a version.
    pub(crate) async fn upload(&self, version: &str) -> Value {
        let image = format!("image of version {version}").repeat(100);
        let path = format!("/api/firmware?version={version}&file_name=image-{version}.bin");
        let request = self.request(Method::POST, &path).body(image);
        let (status, body) = self.send(request).await;
        assert!(status.is_success(), "upload of {version}: {status} {body}");
        body
    }

    /// Creates, approves and executes a plan; answers with the execution's id.
    pub(crate) async fn roll_out(&self, plan: Value) -> String {
        let plan = self.post("/api/deployment-plans", plan).await;
        let id = plan["plan_id"].as_str().unwrap();
        self.post(&format!("/api/deployment-plans/{id}/approve"), json!({}))
            .await;
        let execution = self
            .post("/api/deployments/execute", json!({"plan_id": id}))
            .await;
        execution["execution_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn execution(&self, id: &str) -> Value {
        self.get(&format!("/api/deployments/{id}")).await
    }

    /// Waits until an execution is over and answers with it.
    pub(crate) async fn outcome(&self, id: &str) -> Value {
        self.until(id, |execution| execution["finished"] == true)
            .await
    }

    /// Waits until an execution is as wished and answers with it.
    pub(crate) async fn until(&self, id: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/deployments/{id}");
        self.wait_for(&path, wished).await
    }

    /// Waits until what is at a path is as wished and answers with it.
    pub(crate) async fn wait_for(&self, path: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(path).await;
            if wished(&found) {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{path} stays as it is: {found:#}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The decisions of an execution, in words.
    pub(crate) async fn decisions(&self, id: &str) -> Vec<String> {
        let found = self.get(&format!("/api/deployments/{id}/decisions")).await;
        let items = found["items"].as_array().unwrap();
        items
            .iter()
            .map(|d| d["summary"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// How long a condition may take before a test gives up; a bound on hanging, not on speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
