//! The real binary without a server: help, configuration files, completions, and what it says when it cannot do what it
//! was asked. What needs a server is tested with one elsewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// What a run came to.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetward"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(arguments: &[&str]) -> Ran {
    ran(command(arguments).output().unwrap())
}

/// Runs against a server that gives one answer.
fn run_against(status: &str, body: &str, arguments: &[&str]) -> (Ran, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len(),
    );
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut piece).unwrap();
            request.extend_from_slice(&piece[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    let mut command = command(arguments);
    let output = command
        .env("FLEETWARD_URL", url)
        .env("FLEETWARD_API_KEY", "key")
        .output();
    (ran(output.unwrap()), server.join().unwrap())
}

/// The help of a command and of all below it.
fn reference(path: &[&str], text: &mut String) {
    let arguments: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
    let help = run(&arguments);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{path:?}");
    let name = ["fleetward"]
        .into_iter()
        .chain(path.iter().copied())
        .collect::<Vec<_>>()
        .join(" ");
    text.push_str(&format!("=== {name}\n\n{}\n", help.stdout));
    let commands = help
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        let Some(verb) = line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
        else {
            continue;
        };
        let verb = verb.split(' ').next().unwrap();
        let path: Vec<&str> = path.iter().copied().chain([verb]).collect();
        reference(&path, text);
    }
}

#[test]
fn the_help_of_every_command_is_as_recorded() {
    let mut text = String::new();
    reference(&[], &mut text);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli-reference.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &text).unwrap();
    }
    let recorded = std::fs::read_to_string(&golden).unwrap_or_default();
    let (now, before) = (text.lines(), recorded.lines());
    for (number, (now, before)) in now.zip(before).enumerate() {
        assert_eq!(
            now,
            before,
            "line {}; UPDATE_GOLDEN=1 records what is new",
            number + 1
        );
    }
    assert_eq!(
        text.len(),
        recorded.len(),
        "UPDATE_GOLDEN=1 records what is new"
    );
}

#[test]
fn every_verb_of_the_manual_is_there() {
    for line in [
        "env list",
        "env show",
        "plan create",
        "plan list",
        "plan show",
        "plan approve",
        "deploy execute",
        "deploy list",
        "deploy status",
        "deploy pause",
        "deploy resume",
        "deploy cancel",
        "deploy rollback",
        "firmware upload",
        "firmware list",
        "firmware show",
        "device list",
        "key create",
        "key list",
        "key revoke",
        "config check",
        "config schema",
        "serve",
        "demo",
        "openapi",
        "completions",
    ] {
        let arguments: Vec<&str> = line.split(' ').chain(["--help"]).collect();
        assert_eq!(run(&arguments).code, 0, "{line}");
    }
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn check(path: &Path, more: &[&str]) -> Ran {
    let path = path.to_str().unwrap();
    run(&[&["config", "check", path], more].concat())
}

#[test]
fn a_good_configuration_is_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        &folder,
        "good.yaml",
        "environments:\n  lab: { stage: testing }\n  field: { stage: production }\n",
    );
    let ran = check(&path, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(
        ran.stdout
            .ends_with("good.yaml is valid: environments lab → field\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_bad_configuration_is_taken_apart_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        &folder,
        "bad.yaml",
        "environments:\n  lab:\n    stage: testing\n    auto_rolback: true\nstrategy: 5\n",
    );
    let ran = check(&path, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    let first = ran.stderr.lines().next().unwrap();
    assert!(first.contains("bad.yaml:4:5: environments.lab"), "{first}");
    assert!(
        first.ends_with("(did you mean `auto_rollback`?)"),
        "{first}"
    );
    assert!(
        ran.stderr.contains("bad.yaml has 2 problems"),
        "{}",
        ran.stderr
    );

    let json = check(&path, &["--output", "json"]);
    let findings: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &findings["valid"]), (3, &false.into()));
    assert_eq!(findings["problems"][0]["line"], 4);
}

#[test]
fn warnings_do_not_make_a_configuration_bad() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        &folder,
        "warned.yaml",
        "security: { jwt_secret: changeme }\ncache: { cache_type: memory }\n",
    );
    let ran = check(&path, &["--output", "yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("valid: true\n"), "{}", ran.stdout);
    let warnings: Vec<&str> = ran.stderr.lines().collect();
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("cache: is not in effect")),
        "{warnings:?}"
    );
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("`fleetward serve` refuses this")),
        "{warnings:?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_problem_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let ran = check(&folder.path().join("none.yaml"), &[]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("none.yaml: cannot be read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn serve_refuses_a_configuration_that_leaves_the_server_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        &folder,
        "open.yaml",
        "security: { jwt_secret: your-jwt-secret-key }\n",
    );
    let data = folder.path().join("data");
    let ran = run(&[
        "serve",
        "--config",
        path.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("security.jwt_secret"), "{}", ran.stderr);
    assert!(!data.exists(), "nothing was begun");
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value =
        serde_json::from_str(&run(&["config", "schema"]).stdout).unwrap();
    assert!(schema["properties"]["environments"].is_object());
}

#[test]
fn the_api_is_described_without_a_server() {
    let document: serde_json::Value = serde_json::from_str(&run(&["openapi"]).stdout).unwrap();
    assert!(document["paths"]["/api/deployments/execute"].is_object());
}

#[test]
fn shells_are_completed() {
    for (shell, word) in [
        ("bash", "_fleetward"),
        ("zsh", "#compdef fleetward"),
        ("fish", "complete -c fleetward"),
    ] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains(word), "{shell}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    let ran = run(&[
        "env",
        "list",
        "--url",
        &url,
        "--api-key",
        "key",
        "--output",
        "json",
    ]);
    assert_eq!((ran.code, ran.stdout.as_str()), (5, ""));
    assert!(
        ran.stderr
            .starts_with(&format!("error: no server answers at {url}: ")),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("hint: start a server with `fleetward serve`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_missing_key_is_missed_before_anything_is_asked() {
    for arguments in [
        &["env", "list"][..],
        &["deploy", "execute", "--plan-id", "plan_1"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr
                .contains("hint: give one with --api-key or FLEETWARD_API_KEY"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn mixed_up_ids_are_told_apart() {
    let ran = run(&["deploy", "status", "--execution-id", "plan_1"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("fleetward deploy list --plan-id plan_1"),
        "{}",
        ran.stderr
    );
    let ran = run(&["plan", "show", "plan_1", "--plan-id", "plan_2"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn what_a_server_refuses_is_said_in_its_words() {
    let problem = r#"{"type":"about:blank","title":"Conflict","status":409,"code":"not_approved",
        "detail":"plan `plan_1` is not approved","hint":"approve it first"}"#;
    let (ran, request) = run_against(
        "409 Conflict",
        problem,
        &["deploy", "execute", "--plan-id", "plan_1"],
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    assert_eq!(
        ran.stderr,
        "error: plan `plan_1` is not approved\n  hint: approve it first\n"
    );
    assert!(
        request.starts_with("POST /api/deployments/execute HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("x-api-key: key\r\n"), "{request}");
}

#[test]
fn ids_are_one_segment_whatever_is_in_them() {
    let body = r#"{"title":"Not found"}"#;
    let (ran, request) = run_against("404 Not Found", body, &["device", "show", "a/../b c?d"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.stderr.contains("device list --search"),
        "{}",
        ran.stderr
    );
    assert!(
        request.starts_with("GET /api/devices/a%2F..%2Fb%20c%3Fd HTTP/1.1\r\n"),
        "{request}"
    );
}

#[test]
fn a_server_with_an_error_of_its_own_is_not_a_refusal() {
    let (ran, _) = run_against(
        "503 Service Unavailable",
        r#"{"title":"Stopping"}"#,
        &["key", "list"],
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (5, "error: Stopping\n"));
}

#[test]
fn an_empty_list_teaches_people_and_is_plain_for_programs() {
    let nothing = r#"{"items":[]}"#;
    let (people, _) = run_against("200 OK", nothing, &["plan", "list"]);
    assert_eq!(people.code, 0);
    assert!(
        people
            .stdout
            .contains("fleetward plan create --interactive"),
        "{}",
        people.stdout
    );
    let (programs, _) = run_against("200 OK", nothing, &["plan", "list", "--output", "json"]);
    assert_eq!(
        (programs.stdout.as_str(), programs.stderr.as_str()),
        ("[]\n", "")
    );
    let (filtered, request) = run_against(
        "200 OK",
        nothing,
        &["device", "list", "--search", "a&b", "--limit", "7"],
    );
    assert!(
        filtered.stdout.contains("No device is like that"),
        "{}",
        filtered.stdout
    );
    assert!(
        request.starts_with("GET /api/devices?search=a%26b&limit=7 HTTP/1.1\r\n"),
        "{request}"
    );
}

#[test]
fn a_plan_file_with_a_wrong_field_is_refused_before_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "plan.yaml", "name: a\nstrategie: canary\n");
    let arguments = [
        "plan",
        "create",
        "--api-key",
        "key",
        "--config",
        path.to_str().unwrap(),
    ];
    let ran = run(&arguments);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("strategie") && ran.stderr.contains("plan create --help"),
        "{}",
        ran.stderr
    );
    let incomplete = file(
        &folder,
        "part.json",
        r#"{"name": "a", "firmware_version": "1.2.0"}"#,
    );
    let ran = run(&[
        "plan",
        "create",
        "--api-key",
        "key",
        "--config",
        incomplete.to_str().unwrap(),
    ]);
    assert!(
        ran.stderr
            .contains("no target_environment (--target-environment)"),
        "{}",
        ran.stderr
    );
}
