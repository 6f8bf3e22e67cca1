//! Lints are never switched off silently: no `allow` attribute, and every `expect` says why.

use super::Violation;
use crate::tokens::{self, Attribute};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        for attribute in tokens::attributes(&file.tokens) {
            if let Some(message) = objection(&attribute) {
                violations.push(Violation::new(&file.path, attribute.line, message));
            }
        }
    }
    violations
}

fn objection(attribute: &Attribute) -> Option<&'static str> {
    match attribute.name.as_str() {
        "allow" => Some(
            "`allow` outlives its cause; use `expect(lint, reason = \"…\")` on the smallest item",
        ),
        "expect" if !tokens::mentions(&attribute.arguments, "reason") => {
            Some("`expect` without a reason; add `reason = \"…\"`")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(text: &str) -> Vec<usize> {
        check(&Tree::of(&[("crates/a/src/lib.rs", text)]))
            .into_iter()
            .map(|found| found.line)
            .collect()
    }

    #[test]
    fn an_expectation_with_a_reason_is_fine() {
        assert_eq!(
            lines("#[expect(dead_code, reason = \"used by the next test\")]\nfn a() {}"),
            NONE
        );
        assert_eq!(
            lines("fn a(x: Option<u8>) { x.expect(\"set\"); allow(1); }"),
            NONE
        );
    }

    #[test]
    fn allow_is_refused_everywhere() {
        assert_eq!(
            lines("#![allow(dead_code)]\n#[allow(unused)]\nfn a() {}"),
            [1, 2]
        );
        assert_eq!(lines("#[cfg_attr(test, allow(dead_code))]\nfn a() {}"), [1]);
    }

    #[test]
    fn an_expectation_without_a_reason_is_refused() {
        assert_eq!(lines("fn a() {}\n#[expect(dead_code)]\nfn b() {}"), [2]);
    }
}
