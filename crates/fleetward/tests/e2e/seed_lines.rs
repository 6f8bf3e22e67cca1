//! The lines that people have in their scripts from the product's description work with this server and this program,
//! apart from the address, the key and the program's name.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{KEY, Site, is_installed};

const JWT_SECRET: &str = "q1Lh3PzJ0yVb8mWc5tXn2RkSd7GfAeUo9iQHv4ZT6sBx";
const CONFIG: &str = r#"
environments:
  staging:
    stage: staging
    gateway_tokens: ["end-to-end-gateway-token-01"]
  production: { name: "Production", stage: production, approval_required: true }
security: { jwt_secret: "q1Lh3PzJ0yVb8mWc5tXn2RkSd7GfAeUo9iQHv4ZT6sBx" }
devices: { poll_interval: 2, poll_interval_active: 1 }
"#;

/// The plan of the description.
const PLAN: &str = r#"{
  "name": "Production Rollout v1.2.0",
  "firmware_version": "1.2.0",
  "source_environment": "staging",
  "target_environment": "production",
  "strategy": "rolling",
  "rollout_percentage": 100,
  "canary_percentage": 10
}
"#;

/// Someone's shell, in a folder with the files that the lines name.
struct Shell {
    site: Site,
    plan_id: String,
    execution_id: String,
    token: String,
}

impl Shell {
    /// A server whose staging has 1.2.0 and whose production has devices that never come.
    async fn open() -> Self {
        let site = Site::start(CONFIG).await;
        for (name, text) in [
            ("deployment-plan.json", PLAN),
            ("deployment-plan.yaml", PLAN),
        ] {
            std::fs::write(site.path().join(name), text).unwrap();
        }
        site.upload("1.0.0").await;
        site.upload("1.2.0").await;
        prove_in_staging(&site).await;
        for n in 1..=5 {
            let device = json!({"device_id": format!("pump-{n}"), "environment": "production"});
            site.post("/api/devices", device).await;
        }
        let mut shell = Self {
            site,
            plan_id: String::new(),
            execution_id: String::new(),
            token: String::new(),
        };
        shell.token = shell.run(SIGN, "");
        shell
    }

    /// Runs a line with the words of this place, feeds it `input`, and answers with what it prints.
    fn run(&self, line: &str, input: &str) -> String {
        let here = [
            ("python deployment-cli.py", "fleetward"),
            (
                "http://localhost:5001",
                &self.site.url.replace("127.0.0.1", "localhost"),
            ),
            ("your-api-key", KEY),
            ("the-key-of-an-approver", &self.site.approver),
            ("your-jwt-token", &self.token),
            ("$PLAN_ID", &self.plan_id),
            ("PLAN_ID", &self.plan_id),
            ("EXECUTION_ID", &self.execution_id),
        ];
        let line = here.iter().fold(line.to_owned(), |line, (there, here)| {
            line.replace(there, here)
        });
        let ran = shell(self.site.path(), &self.site.url, &line, input);
        let text = String::from_utf8(ran.stdout).unwrap();
        let noise = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{line}\n{text}{noise}");
        text
    }

    /// Runs a line that prints JSON; it must have these values.
    fn json(&self, line: &str, expected: &[(&str, Value)]) -> Value {
        let text = self.run(line, "");
        let found: Value = serde_json::from_str(&text).expect(&text);
        for (pointer, value) in expected {
            assert_eq!(found.pointer(pointer), Some(value), "{line}\n{found:#}");
        }
        found
    }

    /// Runs a line that prints for people; it must have these words.
    fn words(&self, line: &str, input: &str, expected: &[&str]) -> String {
        let text = self.run(line, input);
        for word in expected {
            assert!(text.contains(word), "{line}\nhas no `{word}`:\n{text}");
        }
        text
    }

    /// Runs a request of the API reference.
    fn request(&self, request: &str, expected: &[(&str, Value)]) -> Value {
        self.request_by("your-api-key", request, expected)
    }

    fn request_by(&self, key: &str, request: &str, expected: &[(&str, Value)]) -> Value {
        let (method, rest) = request.split_once(' ').unwrap();
        let (path, body) = rest.split_once(' ').unwrap_or((rest, ""));
        let body = match body {
            "" => String::new(),
            body => format!("-H 'Content-Type: application/json' -d '{body}'"),
        };
        let line =
            format!("curl -X {method} -H 'X-API-Key: {key}' {body} 'http://localhost:5001{path}'");
        self.json(&line, expected)
    }

    /// Nobody approves a plan of their own in production.
    fn approve(&self) {
        let approve = "POST /api/deployment-plans/PLAN_ID/approve";
        let approved = [("/status", json!("approved"))];
        self.request_by("the-key-of-an-approver", approve, &approved);
    }

    async fn ended(&self, status: &str) {
        let execution = self.site.outcome(&self.execution_id).await;
        assert_eq!(execution["status"], status, "{execution:#}");
    }
}

/// Signs a token for a viewer as RFC 7515 says.
const SIGN: &str = r#"
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
head=$(printf '{"alg":"HS256","typ":"JWT"}' | b64)
body=$(printf '{"sub":"ci","role":"viewer","exp":%s}' $(($(date +%s) + 3600)) | b64)
sign=$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -hmac "$JWT_SECRET" -binary | b64)
printf '%s.%s.%s' "$head" "$body" "$sign"
"#;

fn shell(folder: &Path, url: &str, line: &str, input: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_fleetward"));
    let path = std::env::join_paths(
        [binary.parent().unwrap().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut shell = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path.unwrap())
        .env("FLEETWARD_URL", url)
        .env("FLEETWARD_API_KEY", KEY)
        .env("JWT_SECRET", JWT_SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Programs that ask nothing end before they are told anything.
    drop(shell.stdin.take().unwrap().write_all(input.as_bytes()));
    shell.wait_with_output().unwrap()
}

async fn prove_in_staging(site: &Site) {
    let mut devices = site
        .fleet(2, fleetward_device_sim::Behaviour::default())
        .tenant("staging")
        .min_poll(Duration::from_millis(20))
        .start(CancellationToken::new())
        .unwrap();
    let joined = json!([{"version": "1.0.0", "devices": 2}]);
    site.wait_for("/api/environments/staging", |env| env["versions"] == joined)
        .await;
    let execution = site
        .roll_out(json!({
            "name": "Try it", "firmware_version": "1.2.0",
            "target_environment": "staging", "strategy": "immediate",
        }))
        .await;
    let execution = site.outcome(&execution).await;
    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    devices.stop().await;
}

/// The id after a word such as `plan_` in what was printed.
fn id_in(text: &str, prefix: &str) -> String {
    let from = text.find(prefix).expect(text);
    let id = text[from..].split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    id.into_iter().next().unwrap().to_owned()
}

fn tools() -> bool {
    ["sh", "curl", "openssl"].into_iter().all(is_installed)
}

#[tokio::test]
async fn the_lines_for_the_command_line_work() {
    if !tools() {
        return;
    }
    let mut shell = Shell::open().await;
    let python = "python deployment-cli.py";
    shell.words(
        &format!("{python} env list"),
        "",
        &["staging", "production", "1.2.0"],
    );

    let create = format!("{python} plan create --config deployment-plan.yaml");
    let text = shell.words(&create, "", &["Production Rollout v1.2.0", "rolling"]);
    shell.plan_id = id_in(&text, "plan_");
    shell.approve();
    let execute = format!("{python} deploy execute --plan-id $PLAN_ID");
    let text = shell.words(&execute, "", &["1.2.0 to production"]);
    shell.execution_id = id_in(&text, "exec_");
    let status = format!("{python} deploy status --execution-id EXECUTION_ID");
    shell.words(&status, "", &["observing", "started: 5 devices in 5 waves"]);
    shell.request("POST /api/deployments/EXECUTION_ID/cancel", &[]);
    shell.ended("cancelled").await;

    let create = format!("{python} plan create --interactive");
    let answers = "1.2.0\nproduction\nstaging\ncanary\n40\n10\nAsked for\n";
    let text = shell.words(&create, answers, &["Asked for", "canary", "1.2.0"]);
    shell.plan_id = id_in(&text, "plan_");
    shell.approve();
    let execute = format!("{python} deploy execute --plan-id PLAN_ID");
    let text = shell.words(&execute, "", &["1.2.0 to production, canary"]);
    shell.execution_id = id_in(&text, "exec_");
    shell.words(&status, "", &["wave 1 released to 2 devices"]);
}

#[tokio::test]
async fn the_lines_for_curl_work() {
    if !tools() {
        return;
    }
    let mut shell = Shell::open().await;
    let list = r#"curl -H "X-API-Key: your-api-key" http://localhost:5001/api/environments"#;
    let listed = [
        ("/items/0/id", json!("staging")),
        ("/items/1/devices", json!(5)),
    ];
    shell.json(list, &listed);
    let token =
        r#"curl -H "Authorization: Bearer your-jwt-token" http://localhost:5001/api/environments"#;
    shell.json(token, &listed);

    let create = r#"curl -X POST http://localhost:5001/api/deployment-plans \
      -H "Content-Type: application/json" \
      -H "X-API-Key: your-api-key" \
      -d @deployment-plan.json"#;
    let waits = [("/status", json!("pending_approval"))];
    let plan = shell.json(create, &waits);
    shell.plan_id = plan["plan_id"].as_str().unwrap().to_owned();
    shell.approve();
    let execute = r#"curl -X POST http://localhost:5001/api/deployments/execute \
      -H "Content-Type: application/json" \
      -H "X-API-Key: your-api-key" \
      -d '{"plan_id": "PLAN_ID"}'"#;
    let started = shell.json(execute, &[("/devices", json!(5))]);
    shell.execution_id = started["execution_id"].as_str().unwrap().to_owned();

    let health = r#"curl -H "X-API-Key: your-api-key" http://localhost:5001/api/health-checks"#;
    shell.json(health, &[("/status", json!("healthy"))]);
    let one =
        r#"curl -H "X-API-Key: your-api-key" http://localhost:5001/api/environments/production"#;
    shell.json(
        one,
        &[
            ("/name", json!("Production")),
            ("/open_deployments", json!(1)),
        ],
    );
}

#[tokio::test]
async fn every_request_of_the_reference_works() {
    if !tools() {
        return;
    }
    let mut shell = Shell::open().await;
    shell.request(
        "GET /api/environments",
        &[("/items/1/id", json!("production"))],
    );
    shell.request(
        "GET /api/environments/production",
        &[("/id", json!("production"))],
    );
    for (command, status) in [("cancel", "cancelled"), ("rollback", "rolled_back")] {
        let create = format!("POST /api/deployment-plans {PLAN}");
        let plan = shell.request(&create, &[("/firmware_version", json!("1.2.0"))]);
        shell.plan_id = plan["plan_id"].as_str().unwrap().to_owned();
        let id = json!(shell.plan_id);
        shell.request(
            "GET /api/deployment-plans",
            &[("/items/0/plan_id", id.clone())],
        );
        shell.request("GET /api/deployment-plans/PLAN_ID", &[("/plan_id", id)]);
        shell.approve();
        let execute = r#"POST /api/deployments/execute {"plan_id": "PLAN_ID"}"#;
        let started = shell.request(execute, &[("/environment", json!("production"))]);
        shell.execution_id = started["execution_id"].as_str().unwrap().to_owned();
        let id = json!(shell.execution_id);
        shell.request(
            "GET /api/deployments",
            &[("/items/0/execution_id", id.clone())],
        );
        let open = [("/execution_id", id), ("/finished", json!(false))];
        shell.request("GET /api/deployments/EXECUTION_ID", &open);
        shell.request(
            &format!("POST /api/deployments/EXECUTION_ID/{command}"),
            &[],
        );
        shell.ended(status).await;
    }
    shell.request("GET /api/health-checks", &[("/status", json!("healthy"))]);
    let three = json!(3);
    shell.request("GET /api/metrics", &[("/deployments_total", three.clone())]);
    let id = json!(shell.execution_id);
    let report = [("/execution/execution_id", id)];
    shell.request("GET /api/reports/deployment/EXECUTION_ID", &report);
    let summary = [("/days", json!(30)), ("/total_deployments", three)];
    shell.request("GET /api/reports/summary?days=30", &summary);
}

#[test]
fn the_configuration_of_the_description_is_valid_and_not_served() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../server/tests/config/valid/seed.yaml"
    );
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| shell(folder.path(), "", line, "");
    let check = run(&format!("fleetward config check {file}"));
    let warnings = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(0), "{warnings}");
    let valid = String::from_utf8(check.stdout).unwrap();
    assert!(
        valid.ends_with("seed.yaml is valid: environments production\n"),
        "{valid}"
    );
    for expected in [
        "is not in effect",
        "still has `your-jwt-secret-key` of the example",
    ] {
        assert!(warnings.contains(expected), "{expected}: {warnings}");
    }

    let serve = run(&format!(
        "fleetward serve --config {file} --listen 127.0.0.1:0"
    ));
    let reason = String::from_utf8(serve.stderr).unwrap();
    assert_eq!(serve.status.code(), Some(3), "{reason}");
    assert!(reason.contains("openssl rand -base64 48"), "{reason}");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing was begun");
}
