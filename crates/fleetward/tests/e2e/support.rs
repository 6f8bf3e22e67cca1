//! A server process on a temporary folder, the requests that tests make of it, and simulated devices for it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use fleetward_device_sim::{Behaviour, Credentials, Fleet, FleetBuilder};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The admin key of every server here.
pub(crate) const KEY: &str = "end-to-end-admin-key-0123456789abcdef";
/// The gateway token of `production`.
pub(crate) const GATEWAY: &str = "end-to-end-gateway-token-01";

/// The configuration of a server whose devices poll as often as the protocol allows.
pub(crate) const CONFIG: &str = r#"
environments:
  production:
    stage: production
    approval_required: true
    auto_rollback: true
    rollback_timeout: 60
    gateway_tokens: ["end-to-end-gateway-token-01"]
devices:
  poll_interval: 2
  poll_interval_active: 1
"#;

/// How long a condition may take before a test gives up; a bound on hanging, not on speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A folder with a configuration and data, and the server process on it.
pub(crate) struct Site {
    folder: TempDir,
    listen: String,
    server: Option<Child>,
    pub(crate) url: String,
    /// The key of somebody who writes no plans and approves those of others.
    pub(crate) approver: String,
    http: reqwest::Client,
}

impl Site {
    /// A server on a port that the system chooses.
    pub(crate) async fn start(config: &str) -> Self {
        Self::on_port(config, 0).await
    }

    /// A server on this port.
    pub(crate) async fn on_port(config: &str, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("deployment-config.yaml"), config).unwrap();
        // A connection that outlives a server is no use with the next one.
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build();
        let mut site = Self {
            folder,
            listen: format!("127.0.0.1:{port}"),
            server: None,
            url: String::new(),
            approver: String::new(),
            http: http.unwrap(),
        };
        site.start_again().await;
        let approver = json!({"name": "Release manager", "role": "approver"});
        let made = site.post("/api/keys", approver).await;
        site.approver = made["key"].as_str().unwrap().to_owned();
        site
    }

    /// Starts the server and waits until it says where it listens.
    pub(crate) async fn start_again(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_fleetward"))
            .env_clear()
            .env("FLEETWARD_BOOTSTRAP_KEY", KEY)
            .args(["serve", "--listen", &self.listen, "--config"])
            .arg(self.path().join("deployment-config.yaml"))
            .arg("--data-dir")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.expect("the server says something").unwrap();
        let line = line.unwrap_or_else(|| panic!("the server ended: {}", self.end_of_log()));
        let address = line
            .strip_prefix("Fleetward listens on ")
            .and_then(|rest| rest.split(';').next());
        self.url = address.expect(&line).to_owned();
        self.server = Some(server);
    }

    /// Ends the server as a power cut does, with SIGKILL.
    pub(crate) async fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().await.unwrap();
    }

    /// The folder that outlives the server.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the server keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.path().join("server.log")
    }

    fn end_of_log(&self) -> String {
        end_of(&self.log())
    }

    /// Simulated devices in `production`, with an image and a version of hardware each.
    pub(crate) fn fleet(&self, count: usize, behaviour: Behaviour) -> FleetBuilder {
        Fleet::builder()
            .base_url(&self.url)
            .tenant("production")
            .count(count)
            .seed(7)
            .models([("pump", "A", 0.7), ("pump", "B", 0.3)])
            .start_version("1.0.0")
            .attributes(|_| [("fleetward.staging".to_owned(), "true".to_owned())].into())
            .credentials(Credentials::GatewayToken(GATEWAY.to_owned()))
            .behaviour(behaviour)
            .time_scale(60.0)
            .min_poll(Duration::from_millis(50))
            .first_poll_within(Duration::from_secs(10))
    }

    /// Waits until `production` has this many devices, all on one version.
    pub(crate) async fn all_on(&self, version: &str, count: u64) {
        let wished = json!([{"version": version, "devices": count}]);
        self.wait_for("/api/environments/production", |env| {
            env["versions"] == wished
        })
        .await;
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_by(KEY, method, path)
    }

    fn request_by(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.url);
        self.http.request(method, url).header("x-api-key", key)
    }

    /// What is at a path.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = answer(self.request(Method::GET, path)).await;
        assert!(status.is_success(), "GET {path}: {status} {body}");
        body
    }

    /// What comes of posting this.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = answer(self.request(Method::POST, path).json(&body)).await;
        assert!(status.is_success(), "POST {path}: {status} {body}");
        body
    }

    /// What comes of uploading an image; its own version counts where none is given.
    pub(crate) async fn try_upload(
        &self,
        file_name: &str,
        version: Option<&str>,
        image: Vec<u8>,
    ) -> (StatusCode, Value) {
        let version = version.map(|version| format!("&version={version}"));
        let version = version.unwrap_or_default();
        let path = format!("/api/firmware?file_name={file_name}{version}");
        answer(self.request(Method::POST, &path).body(image)).await
    }

    /// Uploads a raw image of a version.
    pub(crate) async fn upload(&self, version: &str) {
        let image = format!("image of version {version}").repeat(100);
        let found = self.try_upload("image.bin", Some(version), image.into());
        let (status, body) = found.await;
        assert!(status.is_success(), "upload of {version}: {status} {body}");
    }

    /// Creates a plan, has somebody else approve it, and executes it; answers with the execution's id.
    pub(crate) async fn roll_out(&self, plan: Value) -> String {
        let plan = self.post("/api/deployment-plans", plan).await;
        let id = plan["plan_id"].as_str().unwrap();
        let path = format!("/api/deployment-plans/{id}/approve");
        let approving = self.request_by(&self.approver, Method::POST, &path);
        let (status, body) = answer(approving).await;
        assert!(status.is_success(), "POST {path}: {status} {body}");
        let execution = self
            .post("/api/deployments/execute", json!({"plan_id": id}))
            .await;
        execution["execution_id"].as_str().unwrap().to_owned()
    }

    /// Waits until an execution is over and answers with it.
    pub(crate) async fn outcome(&self, id: &str) -> Value {
        let path = format!("/api/deployments/{id}");
        self.wait_for(&path, |execution| execution["finished"] == true)
            .await
    }

    /// Waits until what is at a path is as wished and answers with it.
    pub(crate) async fn wait_for(&self, path: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.get(path).await;
            if wished(&found) {
                return found;
            }
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "{path} stays as it is: {found:#}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The decisions of an execution.
    pub(crate) async fn decisions(&self, id: &str) -> Vec<Value> {
        let path = format!("/api/deployments/{id}/decisions");
        self.get(&path).await["items"].as_array().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the server's log ends:\n{}", self.end_of_log());
        }
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, body)
}

/// The last lines of a file.
pub(crate) fn end_of(file: &Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// The texts of decisions.
pub(crate) fn summaries(decisions: &[Value]) -> Vec<&str> {
    let texts = decisions.iter();
    texts
        .map(|decision| decision["summary"].as_str().unwrap())
        .collect()
}

/// Whether a program that a test needs is here. Without it the test is skipped and says so; where
/// `FLEETWARD_REQUIRE_SERVICES=1`, it fails.
pub(crate) fn is_installed(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    if !found {
        let required = std::env::var_os("FLEETWARD_REQUIRE_SERVICES").is_some_and(|v| v == "1");
        assert!(!required, "{program} is required and not installed");
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// A free port that the system gives to no outgoing connection, so that it stays free while a server is down.
pub(crate) fn lasting_port() -> u16 {
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    (first..32_000)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of thousands of ports is free")
}
