//! `fleetward freeze` against a server that gives one prepared answer.

use crate::answers::run_against;
use crate::run;

const LIST: &str = r#"{"items":[
    {"freeze_id":"freeze_1","source":"api","environment":null,"status":"in_force",
     "from":"2026-12-01T00:00:00Z","until":null,"reason":"Recall","created_at":"2026-12-01T00:00:00Z",
     "created_by":"ann","lifted_at":null,"lifted_by":null},
    {"freeze_id":null,"source":"configuration","environment":"field","status":"scheduled",
     "from":"2026-12-23T00:00:00Z","until":"2026-12-27T00:00:00Z","reason":"Holidays","created_at":null,
     "created_by":null,"lifted_at":null,"lifted_by":null}]}"#;

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    let cells = line.split("  ").map(str::trim);
    cells.filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn a_list_shows_where_and_until_when_nothing_is_released() {
    let (ran, request) = run_against("200 OK", LIST, &["freeze", "list"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(
        request.starts_with("GET /api/freezes?standing=true&limit=100 HTTP/1.1\r\n"),
        "{request}"
    );
    let lines: Vec<Vec<&str>> = ran.stdout.lines().map(cells).collect();
    let [header, declared, configured] = lines.as_slice() else {
        panic!("{}", ran.stdout);
    };
    assert_eq!(header[..3], ["FREEZE", "ENVIRONMENT", "STATUS"]);
    assert_eq!(declared[..3], ["freeze_1", "(all)", "in_force"]);
    assert_eq!(declared[4..], ["it is lifted", "Recall", "ann"]);
    assert_eq!(configured[..3], ["-", "field", "scheduled"]);
    assert_eq!(configured[5..], ["Holidays", "configuration"]);
}

#[test]
fn all_means_those_that_are_over_too() {
    let arguments = ["freeze", "list", "--all", "-e", "field", "--output", "json"];
    let (ran, request) = run_against("200 OK", r#"{"items":[]}"#, &arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "[]\n"));
    assert!(
        request.starts_with("GET /api/freezes?environment=field&limit=100 HTTP/1.1\r\n"),
        "{request}"
    );
}

#[test]
fn one_that_is_not_there_cannot_be_lifted() {
    let arguments = ["freeze", "lift", "--freeze-id", "freeze_2"];
    let body = r#"{"title":"Not Found","detail":"there is no freeze `freeze_2`"}"#;
    let (ran, request) = run_against("404 Not Found", body, &arguments);
    assert_eq!(ran.code, 4);
    assert!(
        ran.stderr.contains("`fleetward freeze list`"),
        "{}",
        ran.stderr
    );
    assert!(
        request.starts_with("DELETE /api/freezes/freeze_2 HTTP/1.1\r\n"),
        "{request}"
    );
}

#[test]
fn a_freeze_needs_a_reason_and_a_time_that_is_one() {
    let ran = run(&["freeze", "set", "--api-key", "key"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--reason"), "{}", ran.stderr);
    let arguments = ["freeze", "set", "--reason", "r", "--until", "christmas"];
    let ran = run(&arguments);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("2026-12-23T18:00:00Z"),
        "{}",
        ran.stderr
    );
}
