//! The house rules and the list that names them all. A rule looks at the tree and says what is wrong; it mends nothing.
//!
//! What rustc and clippy can check is not here but in the lints of `Cargo.toml` and in the `clippy.toml` files.

mod arrows;
mod attributes;
mod dependencies;
mod docs;
mod headers;
mod names;
mod places;
mod reached;
mod sizes;
mod sql;
mod words;

use std::io::Write;
use std::path::Path;

use crate::tree::Tree;

/// One rule: its name in the output and the function that looks.
struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Violation>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "arrows",
        check: arrows::check,
    },
    Rule {
        name: "attributes",
        check: attributes::check,
    },
    Rule {
        name: "dependencies",
        check: dependencies::check,
    },
    Rule {
        name: "docs",
        check: docs::check,
    },
    Rule {
        name: "headers",
        check: headers::check,
    },
    Rule {
        name: "names",
        check: names::check,
    },
    Rule {
        name: "places",
        check: places::check,
    },
    Rule {
        name: "reached",
        check: reached::check,
    },
    Rule {
        name: "sizes",
        check: sizes::check,
    },
    Rule {
        name: "sql",
        check: sql::check,
    },
    Rule {
        name: "words",
        check: words::check,
    },
];

/// A place where a rule is broken, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            message: message.into(),
        }
    }
}

/// Checks every rule on the tree at `root`, writes one line per violation and says whether there was none.
pub(crate) fn run(root: &Path, out: &mut impl Write) -> anyhow::Result<bool> {
    let tree = Tree::load(root)?;
    let mut total = 0;
    for rule in RULES {
        let mut violations = (rule.check)(&tree);
        violations.sort();
        total += violations.len();
        for Violation {
            file,
            line,
            message,
        } in violations
        {
            writeln!(out, "{file}:{line}: {}: {message}", rule.name)?;
        }
    }
    match total {
        0 => writeln!(out, "tidy: {} rules hold", RULES.len())?,
        _ => writeln!(out, "tidy: {total} violations")?,
    }
    Ok(total == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let mut out = Vec::new();
        let tidy = run(crate::root(), &mut out).unwrap();
        assert!(tidy, "\n{}", String::from_utf8(out).unwrap());
    }

    #[test]
    fn every_rule_has_a_name_of_its_own_in_order() {
        assert!(RULES.is_sorted_by(|one, other| one.name < other.name));
    }
}
