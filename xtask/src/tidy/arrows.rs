//! Which crate of ours may use which. Dependencies of tests are free; what comes from outside is another rule's.

use super::Violation;
use super::dependencies::line_of;
use crate::tree::Tree;

/// Every package of the workspace and the ones of ours its code may use.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "fleetward",
        &["fleetward-core", "fleetward-device-sim", "fleetward-server"],
    ),
    (
        "fleetward-server",
        &["fleetward-core", "fleetward-firmware", "fleetward-store"],
    ),
    ("fleetward-store", &["fleetward-core"]),
    ("fleetward-core", &[]),
    ("fleetward-device-sim", &[]),
    ("fleetward-firmware", &[]),
    ("xtask", &[]),
    (
        "fleetward-benches",
        &[
            "fleetward-core",
            "fleetward-device-sim",
            "fleetward-firmware",
            "fleetward-server",
            "fleetward-store",
        ],
    ),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let ours: Vec<&str> = tree
        .packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut violations = Vec::new();
    for package in tree.packages() {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            let message = format!(
                "package `{}` has no arrows: add it to the table in xtask/src/tidy/arrows.rs",
                package.name
            );
            violations.push(Violation::new(&package.manifest, 1, message));
            continue;
        };
        for name in package.dependencies.iter().map(String::as_str) {
            if ours.contains(&name) && !allowed.contains(&name) {
                let line = line_of(tree, &package.manifest, name);
                let message = format!(
                    "`{}` must not depend on `{name}` (allowed: {}); move the code down, or hand the value in",
                    package.name,
                    if allowed.is_empty() {
                        "none of ours".to_owned()
                    } else {
                        allowed.join(", ")
                    },
                );
                violations.push(Violation::new(&package.manifest, line, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Package;

    fn violations(packages: Vec<Package>) -> Vec<Violation> {
        check(&Tree::with_packages(&[], packages))
    }

    #[test]
    fn arrows_that_point_down_are_allowed() {
        let store = Package::of("fleetward-store", &["fleetward-core", "rusqlite"]);
        assert_eq!(
            violations(vec![store, Package::of("fleetward-core", &["serde"])]),
            []
        );
    }

    #[test]
    fn an_arrow_that_points_up_is_refused() {
        let core = Package::of("fleetward-core", &["fleetward-store"]);
        let found = violations(vec![core, Package::of("fleetward-store", &[])]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0]
                .message
                .starts_with("`fleetward-core` must not depend on `fleetward-store`")
        );
    }

    #[test]
    fn a_new_package_must_be_placed() {
        assert!(
            violations(vec![Package::of("fleetward-extra", &[])])[0]
                .message
                .contains("has no arrows")
        );
    }
}
