//! What the pure crates may use from outside: nothing that reads files, opens sockets, tells time or draws numbers.
//!
//! Only dependencies of shipped code count; tests may use more.

use super::Violation;
use crate::tree::Tree;

/// The pure crates and everything from outside that their code may use.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "fleetward-core",
        &[
            "croner",
            "jiff",
            "serde",
            "serde_json",
            "siphasher",
            "thiserror",
        ],
    ),
    (
        "fleetward-firmware",
        &["hex", "md-5", "serde", "sha1", "sha2", "thiserror"],
    ),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in tree.packages() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
            continue;
        };
        for name in package.dependencies.iter().map(String::as_str) {
            if !name.starts_with("fleetward-") && !allowed.contains(&name) {
                let message = format!(
                    "`{}` is pure and must not depend on `{name}` (allowed: {}); do that work in the server",
                    package.name,
                    allowed.join(", "),
                );
                violations.push(Violation::new(
                    &package.manifest,
                    line_of(tree, &package.manifest, name),
                    message,
                ));
            }
        }
    }
    violations
}

/// The line of `manifest` that names the dependency, or the first where none does.
pub(super) fn line_of(tree: &Tree, manifest: &str, dependency: &str) -> usize {
    let names_it = |line: &str| {
        let entry = line.trim_start().trim_start_matches("[dependencies.");
        entry
            .strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=', ']']))
    };
    tree.text(manifest)
        .unwrap_or("")
        .lines()
        .position(names_it)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Package;

    fn violations(name: &str, dependencies: &[&str], manifest: &str) -> Vec<Violation> {
        let package = Package::of(name, dependencies);
        let path = package.manifest.clone();
        check(&Tree::with_packages(&[(&path, manifest)], vec![package]))
    }

    #[test]
    fn the_listed_dependencies_are_allowed() {
        assert_eq!(
            violations(
                "fleetward-core",
                &[
                    "croner",
                    "jiff",
                    "serde",
                    "serde_json",
                    "siphasher",
                    "thiserror"
                ],
                ""
            ),
            []
        );
        assert_eq!(violations("fleetward-server", &["tokio"], ""), []);
    }

    #[test]
    fn any_other_is_refused_at_its_line() {
        let manifest = "[dependencies]\njiff.workspace = true\ntokio = \"1\"\n";
        let found = violations("fleetward-core", &["jiff", "tokio"], manifest);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 3);
        assert!(found[0].message.contains("must not depend on `tokio`"));
    }
}
