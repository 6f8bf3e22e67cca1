//! Queries are written in the store crate only: no SQL in the string literals of any other.

use super::Violation;
use crate::tokens;
use crate::tree::Tree;

const HOME: &str = "crates/store/";

/// This file, whose tests have to show queries.
const RULE: &str = "xtask/src/tidy/sql.rs";

/// A text with both words, in this order and in capitals, is a query.
const PAIRS: &[(&str, &str)] = &[
    ("SELECT", "FROM"),
    ("INSERT", "INTO"),
    ("UPDATE", "SET"),
    ("DELETE", "FROM"),
    ("CREATE", "TABLE"),
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree
        .rust()
        .iter()
        .filter(|file| !file.path.starts_with(HOME) && file.path != RULE)
    {
        for literal in tokens::strings(&file.tokens) {
            if let Some((first, second)) = query(&literal.value) {
                let message = format!(
                    "SQL ({first} … {second}) outside of the store; add a query to crates/store and call it"
                );
                violations.push(Violation::new(&file.path, literal.line, message));
            }
        }
    }
    violations
}

fn query(text: &str) -> Option<(&'static str, &'static str)> {
    let words = || text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    PAIRS.iter().copied().find(|&(first, second)| {
        words()
            .skip_while(|&word| word != first)
            .any(|word| word == second)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|found| found.line)
            .collect()
    }

    #[test]
    fn queries_are_at_home_in_the_store() {
        assert_eq!(
            lines(
                "crates/store/src/device.rs",
                "const A: &str = \"SELECT id FROM device\";"
            ),
            NONE
        );
    }

    #[test]
    fn ordinary_text_is_no_query() {
        for text in [
            "\"SELECT 1\"",
            "\"select one from the list\"",
            "\"SELECTED FROM\"",
            "\"update the SET\"",
        ] {
            assert_eq!(
                lines(
                    "crates/server/src/app/plan.rs",
                    &format!("const A: &str = {text};")
                ),
                NONE,
                "{text}"
            );
        }
    }

    #[test]
    fn queries_anywhere_else_are_refused() {
        for text in [
            "\"SELECT id\\nFROM device\"",
            "\"INSERT OR IGNORE INTO device VALUES (1)\"",
            "\"UPDATE device SET id = 1\"",
            "r\"DELETE FROM device\"",
            "\"CREATE TABLE device (id)\"",
        ] {
            let text = format!("fn a() {{\n    run(format!({text}))\n}}");
            assert_eq!(lines("crates/server/src/app/plan.rs", &text), [2], "{text}");
        }
    }
}
