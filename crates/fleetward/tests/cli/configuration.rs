//! Configuration files, good and bad.

use std::path::Path;

use crate::{Ran, file, run};

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
