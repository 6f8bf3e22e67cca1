//! The real binary as server and as command line, with a few simulated devices: the way of a version from its file to
//! the devices, and what scripts see of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

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
        let output = program()
            .args(arguments.split(' '))
            .args(["--output", "json"])
            .env("FLEETWARD_URL", &self.url)
            .env("FLEETWARD_API_KEY", &self.key)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let notes = String::from_utf8(output.stderr).unwrap();
        let result = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), result, notes)
    }

    /// As [`Self::run`], for a command that has to succeed.
    fn done(&self, arguments: &str) -> Value {
        let (code, result, notes) = self.run(arguments);
        assert_eq!(code, 0, "{arguments}: {notes}");
        result
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

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_from_its_file_to_the_devices() {
    let served = Served::start();
    let plan = served.plan();
    let mut fleet = served.fleet(Behaviour::default());
    let execute = format!("deploy execute --plan-id {plan} --wait --timeout 120");
    let execution = tokio::task::block_in_place(|| served.done(&execute));
    assert_eq!(execution["status"], "succeeded");
    assert_eq!(execution["counts"]["succeeded"], DEVICES);
    assert_eq!(fleet.stats().by_version.get("1.1.0"), Some(&DEVICES));
    fleet.stop().await;

    let id = execution["execution_id"].as_str().unwrap();
    let status = served.done(&format!("deploy status --execution-id {id}"));
    assert_eq!(
        status["decisions"].as_array().unwrap().last().unwrap()["decision"],
        "finished"
    );
    let environment = served.done("env show lab");
    assert_eq!(environment["versions"][0]["version"], "1.1.0");
    assert_eq!(served.run(&execute).0, 4, "a plan is executed once");
    assert_eq!(served.stop(), "", "nothing but the one document");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_see_how_an_execution_ended() {
    let served = Served::start();
    let plan = served.plan();
    let failing = Behaviour {
        install_failure: 1.0,
        ..Behaviour::default()
    };
    let mut fleet = served.fleet(failing);
    let wait = format!("deploy execute --plan-id {plan} --wait");
    let (code, execution, notes) = tokio::task::block_in_place(|| served.run(&wait));
    assert_eq!(
        (code, &execution["status"]),
        (11, &"rolled_back".into()),
        "{notes}"
    );
    assert!(notes.contains("stopped: wave 1 has"), "{notes}");
    fleet.stop().await;
}

#[test]
fn an_execution_is_steered_from_the_command_line() {
    let served = Served::start();
    let plan = served.plan();
    let started = served.done(&format!("deploy execute --plan-id {plan}"));
    let id = started["execution_id"].as_str().unwrap();
    let paused = served.done(&format!(
        "deploy pause --execution-id {id} --reason lunch --wait"
    ));
    assert_eq!(paused["status"], "paused");
    assert_eq!(served.run(&format!("deploy status {id} --wait")).0, 10);
    let resumed = served.done(&format!("deploy resume --execution-id {id}"));
    assert_eq!(resumed["finished"], false);
    assert_eq!(
        served
            .run(&format!("deploy status {id} --wait --timeout 1"))
            .0,
        14
    );
    let cancelled = served.done(&format!("deploy cancel --execution-id {id} --wait"));
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(served.run(&format!("deploy status {id} --wait")).0, 13);
}

#[test]
fn a_plan_waits_for_its_approval() {
    let served = Served::start();
    served.plan();
    served.done(&format!("device add field-0 -e field --token {TOKEN}"));
    let plan = served.done("plan create --config plan.yaml --target-environment field");
    assert_eq!(plan["status"], "pending_approval");
    let id = plan["plan_id"].as_str().unwrap();
    let execute = format!("deploy execute --plan-id {id}");
    assert_eq!(served.run(&execute).0, 4, "nobody approved it");
    let other = "0".repeat(64);
    assert_eq!(
        served.run(&format!("plan approve {id} --digest {other}")).0,
        4,
        "it is another plan"
    );
    let approved = served.done(&format!("plan approve --plan-id {id} --comment fine"));
    assert_eq!(
        (&approved["status"], &approved["comment"]),
        (&"approved".into(), &"fine".into())
    );
    served.done(&execute);
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
