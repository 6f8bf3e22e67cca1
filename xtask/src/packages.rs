//! The packages of the workspace, their direct dependencies and their crate roots, as cargo tells them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// One package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of its `Cargo.toml`.
    pub(crate) manifest: String,
    /// What its shipped code or its build script uses, by package name; what only its tests use is left out.
    pub(crate) dependencies: Vec<String>,
    /// The file each of its targets starts from: library, binaries, tests, examples, build script.
    pub(crate) roots: Vec<String>,
}

/// Asks cargo, without the network, for the workspace at `root`.
pub(crate) fn load(root: &Path) -> anyhow::Result<Vec<Package>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .output()
        .context("starting cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let workspace = metadata.workspace_root;
    Ok(metadata
        .packages
        .into_iter()
        .map(|package| package.below(&workspace))
        .collect())
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: String,
    packages: Vec<MetadataPackage>,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    manifest_path: String,
    dependencies: Vec<MetadataDependency>,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataDependency {
    name: String,
    /// Absent for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    src_path: String,
}

impl MetadataPackage {
    fn below(self, workspace: &str) -> Package {
        let shipped = |dependency: &MetadataDependency| dependency.kind.as_deref() != Some("dev");
        Package {
            name: self.name,
            manifest: relative(&self.manifest_path, workspace),
            dependencies: self
                .dependencies
                .into_iter()
                .filter(shipped)
                .map(|dependency| dependency.name)
                .collect(),
            roots: self
                .targets
                .iter()
                .map(|target| relative(&target.src_path, workspace))
                .collect(),
        }
    }
}

fn relative(path: &str, workspace: &str) -> String {
    path.strip_prefix(workspace)
        .unwrap_or(path)
        .replace('\\', "/")
        .trim_start_matches('/')
        .to_owned()
}

#[cfg(test)]
impl Package {
    /// A package in `crates/<name>` with these dependencies and a library.
    pub(crate) fn of(name: &str, dependencies: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
            roots: vec![format!("crates/{name}/src/lib.rs")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_relative_and_test_dependencies_are_left_out() {
        let text = r#"{"workspace_root": "/r", "packages": [{"name": "a", "manifest_path": "/r/crates/a/Cargo.toml",
            "dependencies": [{"name": "serde", "kind": null}, {"name": "tempfile", "kind": "dev"},
                             {"name": "cc", "kind": "build"}],
            "targets": [{"src_path": "/r/crates/a/src/lib.rs"}]}]}"#;
        let metadata: Metadata = serde_json::from_str(text).unwrap();
        let package = metadata.packages.into_iter().next().unwrap().below("/r");
        assert_eq!(package.manifest, "crates/a/Cargo.toml");
        assert_eq!(package.dependencies, ["serde", "cc"]);
        assert_eq!(package.roots, ["crates/a/src/lib.rs"]);
    }
}
