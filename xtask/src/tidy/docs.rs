//! Pages point at things that exist: every relative link, every anchor, every path of the repository in `code` style.
//!
//! What is inside fenced code blocks is not looked at, and links to the network are not followed.

use std::collections::BTreeMap;

use super::Violation;
use crate::markdown::{self, Page};
use crate::tree::Tree;

/// Inline code that begins with one of these and a `/` is a path, whether or not the folder is there yet.
const FOLDERS: &[&str] = &[
    ".cargo", ".ci", "benches", "crates", "deploy", "docs", "xtask",
];

/// What surrounds a path in a command or a sentence.
const QUOTES: [char; 6] = ['"', '\'', '(', ')', ',', ';'];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let pages: BTreeMap<&str, Page> = tree
        .texts()
        .filter(|(path, _)| path.ends_with(".md"))
        .map(|(path, text)| (path, markdown::parse(text)))
        .collect();
    let mut violations = Vec::new();
    for (path, page) in &pages {
        let wrong_links = page.links.iter().filter_map(|(line, target)| {
            Some(Violation::new(
                path,
                *line,
                wrong_link(tree, &pages, path, target)?,
            ))
        });
        let wrong_paths = page.code.iter().flat_map(|(line, code)| {
            let missing = code
                .split_whitespace()
                .filter_map(|word| missing_path(tree, word));
            missing.map(|found| {
                Violation::new(
                    path,
                    *line,
                    format!("`{found}` does not exist; name what it is called"),
                )
            })
        });
        violations.extend(wrong_links.chain(wrong_paths));
    }
    violations
}

/// What is wrong with a link in the page `from`.
fn wrong_link(
    tree: &Tree,
    pages: &BTreeMap<&str, Page>,
    from: &str,
    target: &str,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with("data:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => from.to_owned(),
        _ => resolve(from, path),
    };
    if !tree.exists(&path) {
        return Some(format!("link to `{target}`: there is no `{path}`"));
    }
    let page = pages.get(path.as_str())?;
    let is_there = anchor.is_empty() || page.anchors.contains(anchor);
    (!is_there)
        .then(|| format!("link to `{target}`: `{path}` has no heading that gives `#{anchor}`"))
}

/// The path that a link in `from` means; one that begins with `/` starts at the top folder.
fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = match link.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from
            .rsplit_once('/')
            .map_or(Vec::new(), |(folder, _)| folder.split('/').collect()),
    };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path in a word of code, if it is one of the repository and is not there.
///
/// A path with a placeholder, such as `<name>` or `*`, is checked up to that part.
fn missing_path(tree: &Tree, word: &str) -> Option<String> {
    let word = word
        .trim_start_matches("./")
        .trim_start_matches(QUOTES)
        .trim_end_matches(QUOTES)
        .trim_end_matches(['.', ':']);
    let path = word.split("::").next()?.split([':', '#']).next()?;
    let (folder, _) = path.split_once('/')?;
    if !FOLDERS.contains(&folder) {
        return None;
    }
    let fixed = |part: &&str| {
        !part.contains(['<', '*', '{', '…', '$', '['])
            && !part.contains("NNNN")
            && !part.contains("...")
    };
    let known: Vec<&str> = path.split('/').take_while(fixed).collect();
    let known = known.join("/");
    (!tree.exists(&known)).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    const API: (&str, &str) = ("docs/api.md", "# Errors\n");
    const LIB: (&str, &str) = ("crates/core/src/lib.rs", "//! Words.\n");

    fn lines(page: &str) -> Vec<usize> {
        let tree = Tree::of(&[API, LIB, ("docs/guide/start.md", page)]);
        check(&tree).into_iter().map(|found| found.line).collect()
    }

    #[test]
    fn what_exists_can_be_pointed_at() {
        assert_eq!(
            lines("[a](../api.md), [b](../api.md#errors), [c](/crates/core), [d](#top)\n# Top"),
            NONE
        );
        assert_eq!(
            lines("`crates/core/src/lib.rs:12`, `crates/core/`, `crates/core/src/lib.rs::start`"),
            NONE
        );
        assert_eq!(
            lines("`crates/core/src/<name>.rs`, `crates/*/src`, `cargo test -p x`, `api/plans`"),
            NONE
        );
        assert_eq!(
            lines(
                "[a](https://example.com/x.md) [b](mailto:a@example.com)\n```\n`docs/gone.md`\n```"
            ),
            NONE
        );
    }

    #[test]
    fn what_does_not_exist_is_reported() {
        assert_eq!(
            lines("[a](api.md)\n[b](../api.md#warnings)\n[c](#bottom)\n[d](/crates/cli)"),
            [1, 2, 3, 4]
        );
        assert_eq!(
            lines("`docs/gone.md`\n`cat crates/core/src/gone.rs`\n`crates/gone/<name>.rs`"),
            [1, 2, 3]
        );
    }
}
