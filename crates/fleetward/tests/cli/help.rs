//! Help, completions and the description of the API: all that only has to be printed.

use std::path::Path;

use crate::run;

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
        "plan preview",
        "plan simulate",
        "plan submit",
        "plan edit",
        "plan approve",
        "plan reject",
        "plan revisions",
        "plan diff",
        "plan review",
        "deploy execute",
        "deploy list",
        "deploy status",
        "deploy why",
        "deploy pause",
        "deploy resume",
        "deploy cancel",
        "deploy rollback",
        "firmware upload",
        "firmware list",
        "firmware show",
        "device list",
        "device why",
        "freeze set",
        "freeze list",
        "freeze lift",
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
