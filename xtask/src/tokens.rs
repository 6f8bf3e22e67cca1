//! What rules look for in Rust tokens: string literals and attributes, inside macro calls too.
//!
//! Comments are not tokens; documentation comments are, and are left out here.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// A string literal and the line it starts on.
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) value: String,
}

/// One attribute, such as `expect(dead_code, reason = "…")`; one inside `cfg_attr` stands by itself.
pub(crate) struct Attribute {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) arguments: TokenStream,
}

/// Every string literal, documentation excepted.
pub(crate) fn strings(tokens: &TokenStream) -> Vec<Literal> {
    let mut found = Vec::new();
    collect_strings(tokens, &mut found);
    found
}

/// Every attribute, documentation included.
pub(crate) fn attributes(tokens: &TokenStream) -> Vec<Attribute> {
    let mut found = Vec::new();
    collect_attributes(tokens, &mut found);
    found
}

/// Whether the identifier `word` occurs at any depth.
pub(crate) fn mentions(tokens: &TokenStream, word: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(&group.stream(), word),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn collect_strings(tokens: &TokenStream, found: &mut Vec<Literal>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                if let syn::Lit::Str(string) = syn::Lit::new(literal) {
                    found.push(Literal {
                        line,
                        value: string.value(),
                    });
                }
            }
            TokenTree::Group(group) => {
                if !is_documentation(&group) {
                    collect_strings(&group.stream(), found);
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

fn collect_attributes(tokens: &TokenStream, found: &mut Vec<Attribute>) {
    let mut after_hash = false;
    for token in tokens.clone() {
        match token {
            TokenTree::Punct(punct) => {
                after_hash = punct.as_char() == '#' || after_hash && punct.as_char() == '!';
            }
            TokenTree::Group(group) => {
                if after_hash && group.delimiter() == Delimiter::Bracket {
                    collect_listed(&group.stream(), found);
                } else {
                    collect_attributes(&group.stream(), found);
                }
                after_hash = false;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => after_hash = false,
        }
    }
}

/// The attributes in `name(…)`, and in the comma-separated rest of a `cfg_attr`.
fn collect_listed(tokens: &TokenStream, found: &mut Vec<Attribute>) {
    let mut name: Option<Ident> = None;
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => name = Some(ident),
            TokenTree::Group(group) => {
                let Some(name) = name.take() else { continue };
                if name == "cfg_attr" {
                    collect_listed(&group.stream(), found);
                } else {
                    let line = name.span().start().line;
                    found.push(Attribute {
                        line,
                        name: name.to_string(),
                        arguments: group.stream(),
                    });
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Whether this is the `[doc = "…"]` that a documentation comment turns into.
fn is_documentation(group: &Group) -> bool {
    let mut tokens = group.stream().into_iter();
    group.delimiter() == Delimiter::Bracket
        && matches!(tokens.next(), Some(TokenTree::Ident(word)) if word == "doc")
        && matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_in_macros_but_not_in_documentation() {
        let tokens = "/// not \"this\"\nfn a() {\n    format!(\"one {}\", r#\"two\"#);\n}"
            .parse()
            .unwrap();
        let found: Vec<_> = strings(&tokens)
            .into_iter()
            .map(|literal| (literal.line, literal.value))
            .collect();
        assert_eq!(found, [(3, "one {}".to_owned()), (3, "two".to_owned())]);
    }

    #[test]
    fn attributes_are_found_at_every_depth() {
        let tokens = "#![cfg_attr(test, allow(dead_code))]\nmod a {\n    #[expect(unused)] fn b() { m!(#[cfg(x)] y); }\n}";
        let found: Vec<_> = attributes(&tokens.parse().unwrap())
            .into_iter()
            .map(|it| (it.line, it.name))
            .collect();
        assert_eq!(
            found,
            [
                (1, "allow".to_owned()),
                (3, "expect".to_owned()),
                (3, "cfg".to_owned())
            ]
        );
    }
}
