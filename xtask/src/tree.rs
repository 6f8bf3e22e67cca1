//! The repository as the rules see it: its files with their text, the Rust among them parsed, and its packages.
//!
//! Paths are relative to the top folder and use `/`. What is in a file is the rules' business, not this module's.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use anyhow::Context;
use proc_macro2::TokenStream;

use crate::packages::{self, Package};

/// Every file of the repository, read once.
pub(crate) struct Tree {
    /// The text of each file; `None` for one that is not text.
    files: BTreeMap<String, Option<String>>,
    rust: Vec<RustFile>,
    unparsed: Vec<Unparsed>,
    packages: Vec<Package>,
}

/// A Rust source file.
pub(crate) struct RustFile {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: TokenStream,
    pub(crate) ast: syn::File,
}

/// A file with the ending `.rs` that is not Rust.
pub(crate) struct Unparsed {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl Tree {
    /// Reads what git tracks or would track below `root`; without git, everything but build output.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        for path in listed_by_git(root).map_or_else(|| walked(root), Ok)? {
            let full = root.join(&path);
            if full.is_file() {
                let bytes = std::fs::read(&full).with_context(|| format!("reading {path}"))?;
                files.insert(path, text_of(bytes));
            }
        }
        Ok(Self::new(files, packages::load(root)?))
    }

    fn new(files: BTreeMap<String, Option<String>>, packages: Vec<Package>) -> Self {
        let mut tree = Self {
            files,
            rust: Vec::new(),
            unparsed: Vec::new(),
            packages,
        };
        for (path, text) in &tree.files {
            let Some(text) = text.as_ref().filter(|_| path.ends_with(".rs")) else {
                continue;
            };
            match RustFile::parse(path, text) {
                Ok(file) => tree.rust.push(file),
                Err(error) => tree.unparsed.push(Unparsed {
                    path: path.clone(),
                    line: error.span().start().line,
                    reason: error.to_string(),
                }),
            }
        }
        tree
    }

    /// The files that are text, by path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of one file, if it exists and is text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether `path` is a file or a folder that holds one; the empty path is the top folder.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(file, _)| file.starts_with(&folder))
    }

    /// Every Rust file that parses.
    pub(crate) fn rust(&self) -> &[RustFile] {
        &self.rust
    }

    /// Every `.rs` file that does not parse.
    pub(crate) fn unparsed(&self) -> &[Unparsed] {
        &self.unparsed
    }

    /// The packages of the workspace.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }
}

impl RustFile {
    fn parse(path: &str, text: &str) -> syn::Result<Self> {
        let tokens = TokenStream::from_str(text)?;
        let ast = syn::parse2(tokens.clone())?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            ast,
        })
    }

    /// Whether the whole file is test code: below a `tests` folder, or a `tests.rs` module.
    pub(crate) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }
}

/// What git tracks, and what it would track if it were added; `None` where there is no git or no repository.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .ok()
        .filter(|output| output.status.success() && !output.stdout.is_empty())?;
    let listing = String::from_utf8(output.stdout).ok()?;
    Some(listing.split_terminator('\0').map(str::to_owned).collect())
}

fn walked(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    let entries = walkdir::WalkDir::new(root).into_iter();
    for entry in
        entries.filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != "target")
    {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(root)?;
            paths.push(
                path.to_str()
                    .with_context(|| format!("{} is not UTF-8", path.display()))?
                    .to_owned(),
            );
        }
    }
    Ok(paths)
}

fn text_of(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
impl Tree {
    /// A tree made of these paths and texts, without packages.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::with_packages(files, Vec::new())
    }

    /// A tree made of these paths, texts and packages.
    pub(crate) fn with_packages(files: &[(&str, &str)], packages: Vec<Package>) -> Self {
        let files = files
            .iter()
            .map(|&(path, text)| (path.to_owned(), Some(text.to_owned())))
            .collect();
        Self::new(files, packages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_exist_through_their_files() {
        let tree = Tree::of(&[("docs/api.md", ""), ("docs-old/x.md", "")]);
        for path in ["", "docs", "docs/", "docs/api.md", "docs-old"] {
            assert!(tree.exists(path), "{path}");
        }
        for path in ["doc", "docs/ap", "docs/api.md/x"] {
            assert!(!tree.exists(path), "{path}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_have_no_text() {
        assert_eq!(text_of(b"a\n".to_vec()).as_deref(), Some("a\n"));
        assert_eq!(text_of(vec![b'a', 0]), None);
        assert_eq!(text_of(vec![0xff, 0xfe]), None);
    }

    #[test]
    fn without_git_everything_but_build_output_is_listed() {
        let paths = walked(crate::root()).unwrap();
        assert!(paths.iter().any(|path| path == "xtask/src/tree.rs"));
        assert!(
            paths
                .iter()
                .all(|path| !path.starts_with(".git/") && !path.starts_with("target/"))
        );
    }

    #[test]
    fn a_broken_file_is_kept_apart_with_its_line() {
        let tree = Tree::of(&[("a.rs", "fn a() {}"), ("b.rs", "\nfn b( {}")]);
        assert_eq!(tree.rust().len(), 1);
        assert_eq!(
            (tree.unparsed()[0].path.as_str(), tree.unparsed()[0].line),
            ("b.rs", 2)
        );
    }
}
