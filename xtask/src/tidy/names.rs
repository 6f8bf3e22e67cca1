//! Modules are named after what they hold; names that fit anything are refused.

use syn::ItemMod;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

use super::Violation;
use crate::tree::Tree;

const REFUSED: &[&str] = &[
    "common",
    "helper",
    "helpers",
    "misc",
    "util",
    "utilities",
    "utils",
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        let mut modules = Modules(Vec::new());
        modules.visit_file(&file.ast);
        for (line, name) in modules
            .0
            .into_iter()
            .filter(|(_, name)| REFUSED.contains(&name.as_str()))
        {
            let message = format!(
                "module `{name}` can hold anything; name it after what it holds, or move its items home"
            );
            violations.push(Violation::new(&file.path, line, message));
        }
    }
    violations
}

struct Modules(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Modules {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.0.push((
            module.ident.span().start().line,
            module.ident.unraw().to_string(),
        ));
        visit::visit_item_mod(self, module);
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
    fn names_that_say_something_are_fine() {
        assert_eq!(lines("mod wave;\nmod utilisation;\nfn util() {}"), NONE);
    }

    #[test]
    fn names_that_fit_anything_are_refused() {
        assert_eq!(
            lines("mod wave;\nmod util;\nmod a { mod helpers {} }"),
            [2, 3]
        );
    }
}
