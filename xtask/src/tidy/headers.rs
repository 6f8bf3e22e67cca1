//! Every Rust file starts with a `//!` comment that says what is in it; a file that is not Rust is reported here too.

use super::Violation;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let broken = tree.unparsed().iter().map(|file| {
        Violation::new(
            &file.path,
            file.line,
            format!(
                "is not Rust: {}; the other rules could not look",
                file.reason
            ),
        )
    });
    let bare = tree
        .rust()
        .iter()
        .filter(|file| !has_header(&file.text))
        .map(|file| {
            Violation::new(
                &file.path,
                1,
                "must begin with a `//!` line that says what is here, and what is not",
            )
        });
    broken.chain(bare).collect()
}

fn has_header(text: &str) -> bool {
    text.strip_prefix("//!")
        .and_then(|rest| rest.lines().next())
        .is_some_and(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Tree::of(&[("crates/a/tests/story.rs", text)])).len()
    }

    #[test]
    fn a_file_begins_with_its_header() {
        assert_eq!(count("//! Waves: who is released together.\nfn a() {}"), 0);
    }

    #[test]
    fn a_missing_late_or_empty_header_is_refused() {
        assert_eq!(count("fn a() {}"), 1);
        assert_eq!(count("// A note.\n//! Waves.\n"), 1);
        assert_eq!(count("//!\n//! Waves.\n"), 1);
    }

    #[test]
    fn a_file_that_is_not_rust_is_reported() {
        assert_eq!(count("//! Waves.\nfn a( {"), 1);
    }
}
