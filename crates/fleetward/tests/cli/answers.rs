//! Against a server that is not there, or that gives one prepared answer.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::{Ran, command, file, ran, run};

/// Runs against a server that gives one answer.
pub(super) fn run_against(status: &str, body: &str, arguments: &[&str]) -> (Ran, String) {
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
