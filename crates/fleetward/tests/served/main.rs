//! The real binary as server and as command line, with a few simulated devices: the way of a version from its file to
//! the devices, and what scripts see of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod executions;
mod foresight;
mod plans;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use fleetward_device_sim::{Behaviour, Credentials, Fleet, FleetHandle};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

const DEVICES: usize = 6;
const TOKEN: &str = "a-token-of-a-device-in-a-test-0123456789";
const CONFIG: &str = "
environments:
  lab: { stage: testing, auto_rollback: true }
  bench: { stage: testing, max_concurrent_deployments: 1 }
  field: { stage: production, approval_required: true, auto_rollback: true }
devices: { poll_interval: 2, poll_interval_active: 1 }
";

/// A server of its own, in a folder of its own.
struct Served {
    process: Child,
    url: String,
    key: String,
    folder: tempfile::TempDir,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.yaml"), CONFIG).unwrap();
        let mut process = program()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--config",
                "config.yaml",
                "--data-dir",
                "data",
            ])
            .args(["--output", "json"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut json = String::new();
        for line in BufReader::new(process.stdout.as_mut().unwrap()).lines() {
            let line = line.unwrap();
            json.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let running: Value = serde_json::from_str(&json).unwrap();
        let text = |name: &str| running[name].as_str().unwrap().to_owned();
        Self {
            process,
            url: text("url"),
            key: text("first_key"),
            folder,
        }
    }

    /// Runs a command; returns its exit code, its result and its notes.
    fn run(&self, arguments: &str) -> (i32, Value, String) {
        let output = self
            .command(arguments)
            .args(["--output", "json"])
            .output()
            .unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        let result = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), result, notes)
    }

    /// What a command that has to succeed prints for people.
    fn read(&self, arguments: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {notes}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = program();
        command
            .args(arguments.split(' '))
            .env("FLEETWARD_URL", &self.url)
            .env("FLEETWARD_API_KEY", &self.key)
            .current_dir(self.folder.path());
        command
    }

    /// As [`Self::run`], for a command that has to succeed.
    fn done(&self, arguments: &str) -> Value {
        let (code, result, notes) = self.run(arguments);
        assert_eq!(code, 0, "{arguments}: {notes}");
        result
    }

    /// A key of somebody else, for plans that their author may not approve.
    fn approver(&self) -> String {
        let made = self.done("key create --name manager --role approver");
        format!("--api-key {}", made["key"].as_str().unwrap())
    }

    fn fleet(&self, behaviour: Behaviour) -> FleetHandle {
        Fleet::builder()
            .base_url(&self.url)
            .tenant("lab")
            .count(DEVICES)
            .credentials(Credentials::TargetToken(TOKEN.to_owned()))
            .behaviour(behaviour)
            .time_scale(50.0)
            .start(CancellationToken::new())
            .unwrap()
    }

    /// Makes the devices known and brings a version; returns a plan for it.
    fn plan(&self) -> String {
        for index in 0..DEVICES {
            self.done(&format!("device add sim-{index} -e lab --token {TOKEN}"));
        }
        std::fs::write(
            self.folder.path().join("image.bin"),
            "an image of no particular format",
        )
        .unwrap();
        self.done("firmware upload image.bin --version 1.1.0");
        let plan = "name: first\nfirmware_version: 1.1.0\ntarget_environment: lab\nstrategy: rolling\nbatch_size: 3\n";
        std::fs::write(self.folder.path().join("plan.yaml"), plan).unwrap();
        let plan =
            self.done("plan create --config plan.yaml --device-timeout 120 --max-failure-rate 10");
        assert_eq!(plan["waves"], serde_json::json!([3, 3]));
        plan["plan_id"].as_str().unwrap().to_owned()
    }

    /// Asks the server to stop and waits for it.
    fn stop(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.process.wait().unwrap().success());
        let mut rest = String::new();
        self.process
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut rest)
            .unwrap();
        rest
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(
            self.process
                .kill()
                .and_then(|()| self.process.wait().map(drop)),
        );
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetward"));
    command
        .env_remove("FLEETWARD_URL")
        .env_remove("FLEETWARD_API_KEY")
        .env_remove("RUST_LOG");
    command.stdin(Stdio::null());
    command
}

#[test]
fn releasing_is_frozen_until_the_freeze_is_lifted() {
    let served = Served::start();
    assert_eq!(served.done("freeze list"), serde_json::json!([]));
    let all = served.done("freeze set --reason Recall");
    assert_eq!(
        (&all["status"], &all["environment"], &all["until"]),
        (&"in_force".into(), &Value::Null, &Value::Null)
    );
    let field = "freeze set --environment field --until 2201-01-01T00:00:00Z --reason Fair";
    let field = served.done(field);
    assert_eq!(field["until"], "2201-01-01T00:00:00Z");
    let listed = served.done("freeze list");
    assert_eq!(listed, serde_json::json!([field, all]));
    assert_eq!(served.done("freeze list -e lab"), serde_json::json!([all]));

    let id = all["freeze_id"].as_str().unwrap();
    let lift = format!("freeze lift --freeze-id {id}");
    served.done(&lift);
    served.done(&lift);
    assert_eq!(served.done("freeze list"), serde_json::json!([field]));
    let before = served.done("freeze list --all");
    assert_eq!(before[1]["status"], "lifted");
    let (code, _, notes) = served.run("freeze lift --freeze-id none");
    assert_eq!(code, 4, "{notes}");
    let past = "freeze set --until 2001-01-01T00:00:00Z --reason late";
    assert_eq!(served.run(past).0, 4);
}

#[test]
fn keys_do_what_their_role_may_until_they_are_revoked() {
    let served = Served::start();
    served.plan();
    let viewer = served.done("key create --name script --role viewer");
    let key = viewer["key"].as_str().unwrap();
    served.done(&format!("firmware show 1.1.0 --api-key {key}"));
    let (code, _, notes) = served.run(&format!("firmware withdraw 1.1.0 --api-key {key}"));
    assert_eq!(code, 4, "{notes}");
    let id = viewer["key_id"].as_str().unwrap();
    served.done(&format!("key revoke {id}"));
    assert_eq!(served.run(&format!("env list --api-key {key}")).0, 4);
}
