//! The real binary without a server: help, configuration files, completions, and what it says when it cannot do what it
//! was asked. What needs a server is in `served`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod answers;
mod configuration;
mod freezes;
mod help;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

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

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
