//! Words that have no business in the repository: folders of one person's machine, and pages that are not in it.

use super::Violation;
use crate::tree::Tree;

/// A word, and why it is refused.
const REFUSED: &[(&str, &str)] = &[
    ("/home/", MACHINE),
    ("/root/", MACHINE),
    ("/Users/", MACHINE),
    ("/work/", MACHINE),
    ("shared/reference", ELSEWHERE),
    ("shared/spec", ELSEWHERE),
    ("style-anchors", ELSEWHERE),
    ("seed-readme", ELSEWHERE),
];
const MACHINE: &str = "is a folder of one machine; write the path relative to the repository, or make it configurable";
const ELSEWHERE: &str =
    "names a page that is not in the repository; say what the reader needs to know";

/// This file, which has to name the words.
const RULE: &str = "xtask/src/tidy/words.rs";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| *path != RULE) {
        for (index, line) in text.lines().enumerate() {
            for (word, reason) in REFUSED.iter().filter(|(word, _)| stands_in(line, word)) {
                violations.push(Violation::new(
                    path,
                    index + 1,
                    format!("`{word}` {reason}"),
                ));
            }
        }
    }
    violations
}

/// Whether the word occurs where it begins a path: `a/work/b` does not hold `/work/`.
fn stands_in(line: &str, word: &str) -> bool {
    let continues =
        |before: char| before.is_alphanumeric() || matches!(before, '.' | '-' | '_' | '}' | '>');
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(continues))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("docs/page.md", text)]))
            .into_iter()
            .map(|found| found.line)
            .collect()
    }

    #[test]
    fn relative_and_system_paths_are_fine() {
        assert_eq!(
            lines("crates/work/src\n/var/lib/fleetward\nhttps://example.com/work/1\n$HOME/.config"),
            NONE
        );
    }

    #[test]
    fn machine_paths_and_foreign_pages_are_refused() {
        assert_eq!(
            lines(
                "see /work/main\nok\n`/root/.cargo`\n\"/home/me\"\nsee ../shared/spec/product.md"
            ),
            [1, 3, 4, 5]
        );
    }
}
