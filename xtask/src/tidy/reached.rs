//! Every Rust file is part of the build: reached through `mod` from a library, a binary, a test or a build script.

use std::collections::BTreeSet;

use syn::ext::IdentExt;
use syn::{Expr, Item, ItemMod, Lit, Meta};

use super::Violation;
use crate::tree::{RustFile, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let reached = reached(tree);
    let forgotten = tree
        .rust()
        .iter()
        .filter(|file| !reached.contains(&file.path));
    forgotten
        .map(|file| {
            Violation::new(
                &file.path,
                1,
                "no `mod` leads here, so it is never compiled; declare or remove it",
            )
        })
        .collect()
}

/// A file of the build, and the folder in which its own `mod name;` are looked for.
struct Visit {
    path: String,
    modules: String,
}

impl Visit {
    /// A crate root, a `mod.rs`, or a file named by a `path` attribute: its modules lie beside it.
    fn beside(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            modules: folder(path).to_owned(),
        }
    }

    /// `wave.rs`: its modules lie in `wave/`.
    fn below(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            modules: path.trim_end_matches(".rs").to_owned(),
        }
    }
}

fn reached(tree: &Tree) -> BTreeSet<String> {
    let mut waiting: Vec<Visit> = tree
        .packages()
        .iter()
        .flat_map(|package| &package.roots)
        .map(|root| Visit::beside(root))
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(visit) = waiting.pop() {
        let file = tree.rust().iter().find(|file| file.path == visit.path);
        if reached.insert(visit.path)
            && let Some(file) = file
        {
            declared(
                tree,
                file,
                &file.ast.items,
                &visit.modules,
                false,
                &mut waiting,
            );
        }
    }
    reached
}

/// Adds the file of every `mod name;` among the items, those of inline modules included.
fn declared(
    tree: &Tree,
    file: &RustFile,
    items: &[Item],
    modules: &str,
    inline: bool,
    waiting: &mut Vec<Visit>,
) {
    for item in items {
        let Item::Mod(module) = item else { continue };
        let path = path_attribute(module);
        let below = joined(
            modules,
            &path
                .clone()
                .unwrap_or_else(|| module.ident.unraw().to_string()),
        );
        waiting.push(match (&module.content, path) {
            (Some((_, items)), _) => {
                declared(tree, file, items, &below, true, waiting);
                continue;
            }
            (None, Some(path)) if !inline => Visit::beside(&joined(folder(&file.path), &path)),
            (None, Some(_)) => Visit::beside(&below),
            (None, None) if tree.exists(&format!("{below}/mod.rs")) => {
                Visit::beside(&format!("{below}/mod.rs"))
            }
            (None, None) => Visit::below(&format!("{below}.rs")),
        });
    }
}

/// The value of `#[path = "…"]`.
fn path_attribute(module: &ItemMod) -> Option<String> {
    let attribute = module
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("path"))?;
    if let Meta::NameValue(pair) = &attribute.meta
        && let Expr::Lit(literal) = &pair.value
        && let Lit::Str(path) = &literal.lit
    {
        return Some(path.value());
    }
    None
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Package;

    fn forgotten(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::with_packages(files, vec![Package::of("a", &[])]);
        check(&tree).into_iter().map(|found| found.file).collect()
    }

    #[test]
    fn modules_are_followed_in_every_form() {
        let found = forgotten(&[
            (
                "crates/a/src/lib.rs",
                "mod wave; mod r#loop; mod inner { mod deep; } #[path = \"../gen/x.rs\"] mod x;",
            ),
            (
                "crates/a/src/wave.rs",
                "#[cfg(test)] mod tests; #[path = \"odd.rs\"] mod even;",
            ),
            ("crates/a/src/wave/tests.rs", ""),
            ("crates/a/src/odd.rs", "mod next;"),
            ("crates/a/src/next.rs", ""),
            ("crates/a/src/loop/mod.rs", "mod step;"),
            ("crates/a/src/loop/step.rs", ""),
            ("crates/a/src/inner/deep.rs", ""),
            ("crates/a/gen/x.rs", ""),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_file_without_a_declaration_is_forgotten() {
        let files = [
            ("crates/a/src/lib.rs", "mod wave;"),
            ("crates/a/src/wave.rs", ""),
            ("crates/a/src/old.rs", ""),
        ];
        assert_eq!(forgotten(&files), ["crates/a/src/old.rs"]);
        assert_eq!(
            forgotten(&[
                ("crates/a/src/lib.rs", "mod wave;"),
                ("crates/a/tests/wave.rs", "")
            ]),
            ["crates/a/tests/wave.rs"]
        );
    }
}
