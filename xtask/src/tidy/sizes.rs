//! Files and functions stay short enough to read in one go. What cannot is listed with its size and the reason.
//!
//! A listed exception that is no longer needed has to go. Functions of tests may be long, their files may not.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, ItemFn, ItemMod, Signature, TraitItemFn};

use super::Violation;
use crate::tokens;
use crate::tree::{RustFile, Tree};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 80;
const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let (exceptions, mut violations) = exceptions(tree.text(EXCEPTIONS).unwrap_or(""));
    let too_long: Vec<Measured> = tree
        .rust()
        .iter()
        .flat_map(measured)
        .filter(|measured| measured.lines > measured.limit)
        .collect();
    for Measured {
        file,
        line,
        name,
        lines,
        limit,
    } in &too_long
    {
        let allowed = exceptions
            .iter()
            .find(|exception| exception.name == *name)
            .map_or(*limit, |it| it.lines);
        if *lines > allowed {
            let message = format!(
                "`{name}` has {lines} lines, {allowed} are allowed; split it along its parts"
            );
            violations.push(Violation::new(file, *line, message));
        }
    }
    for exception in &exceptions {
        if too_long
            .iter()
            .all(|measured| measured.name != exception.name)
        {
            let message = format!(
                "`{}` is gone or within the limit; remove its exception",
                exception.name
            );
            violations.push(Violation::new(EXCEPTIONS, exception.line, message));
        }
    }
    violations
}

/// A line of the list: how long this file or function may be.
struct Exception {
    line: usize,
    name: String,
    lines: usize,
}

/// Reads `path[::function] lines reason`, one to a line; empty lines and those with `#` are comments.
fn exceptions(list: &str) -> (Vec<Exception>, Vec<Violation>) {
    let (mut exceptions, mut violations) = (Vec::new(), Vec::new());
    for (index, line) in list
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        match words.next().map(str::parse) {
            Some(Ok(lines)) if words.next().is_some() => exceptions.push(Exception {
                line: index + 1,
                name,
                lines,
            }),
            _ => violations.push(Violation::new(
                EXCEPTIONS,
                index + 1,
                "write `path[::function] lines reason`",
            )),
        }
    }
    (exceptions, violations)
}

/// A file or a function and its length.
struct Measured {
    file: String,
    line: usize,
    /// The path, and for a function `::` and its name.
    name: String,
    lines: usize,
    limit: usize,
}

fn measured(file: &RustFile) -> Vec<Measured> {
    let whole = Measured {
        file: file.path.clone(),
        line: 1,
        name: file.path.clone(),
        lines: file.text.lines().count(),
        limit: FILE_LINES,
    };
    let mut functions = Functions {
        file,
        found: vec![whole],
    };
    if !file.is_test() {
        functions.visit_file(&file.ast);
    }
    functions.found
}

struct Functions<'a> {
    file: &'a RustFile,
    found: Vec<Measured>,
}

impl Functions<'_> {
    /// Counts from the signature to the closing brace.
    fn add(&mut self, signature: &Signature, body: &Block) {
        let line = signature.span().start().line;
        self.found.push(Measured {
            file: self.file.path.clone(),
            line,
            name: format!("{}::{}", self.file.path, signature.ident),
            lines: body.brace_token.span.close().end().line - line + 1,
            limit: FUNCTION_LINES,
        });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !module.attrs.iter().any(is_test_only) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Whether this is `#[cfg(test)]`, alone or in a condition with others.
fn is_test_only(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .meta
            .require_list()
            .is_ok_and(|list| tokens::mentions(&list.tokens, "test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "crates/a/src/lib.rs";

    /// A function of so many lines.
    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "step();\n".repeat(lines - 2))
    }

    fn found(text: &str, exceptions: &str) -> Vec<(String, usize)> {
        let tree = Tree::of(&[(FILE, text), (EXCEPTIONS, exceptions)]);
        check(&tree)
            .into_iter()
            .map(|found| (found.file, found.line))
            .collect()
    }

    #[test]
    fn lengths_at_the_limit_are_fine() {
        assert_eq!(found(&function(FUNCTION_LINES), ""), []);
        assert_eq!(found(&"// x\n".repeat(FILE_LINES), ""), []);
    }

    #[test]
    fn one_line_more_is_too_long() {
        assert_eq!(
            found(&format!("\n/// Doc.\n{}", function(FUNCTION_LINES + 1)), ""),
            [(FILE.to_owned(), 3)]
        );
        assert_eq!(
            found(
                &format!("impl A {{\n{}}}", function(FUNCTION_LINES + 1)),
                ""
            ),
            [(FILE.to_owned(), 2)]
        );
        assert_eq!(
            found(&"// x\n".repeat(FILE_LINES + 1), ""),
            [(FILE.to_owned(), 1)]
        );
    }

    #[test]
    fn functions_of_tests_may_be_long() {
        assert_eq!(
            found(
                &format!("#[cfg(test)]\nmod tests {{\n{}}}", function(100)),
                ""
            ),
            []
        );
        let tree = Tree::of(&[("crates/a/tests/story.rs", &function(100))]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn an_exception_raises_the_limit_to_its_number() {
        let exception = "# a comment\n\ncrates/a/src/lib.rs::long 90 one match over all inputs\n";
        assert_eq!(found(&function(90), exception), []);
        assert_eq!(found(&function(91), exception), [(FILE.to_owned(), 1)]);
    }

    #[test]
    fn an_exception_that_is_not_needed_must_go() {
        assert_eq!(
            found(&function(80), "crates/a/src/lib.rs::long 90 why"),
            [(EXCEPTIONS.to_owned(), 1)]
        );
        assert_eq!(
            found("", "crates/gone/src/lib.rs 700 why"),
            [(EXCEPTIONS.to_owned(), 1)]
        );
    }

    #[test]
    fn an_exception_needs_a_number_and_a_reason() {
        assert_eq!(
            found("", "crates/a/src/lib.rs 700\n\ncrates/a/src/lib.rs why not"),
            [(EXCEPTIONS.to_owned(), 1), (EXCEPTIONS.to_owned(), 3),]
        );
    }
}
