//! What a Markdown page points at: its links, its inline code, and the anchors others can link to.
//!
//! Only as much of the language as our pages use; fenced code blocks are skipped, and a span ends on its line.

use std::collections::{BTreeMap, BTreeSet};

/// A page, as far as checking its references needs it.
#[derive(Default)]
pub(crate) struct Page {
    /// Line and target of each link, image and `href` or `src`.
    pub(crate) links: Vec<(usize, String)>,
    /// Line and text of each inline code span.
    pub(crate) code: Vec<(usize, String)>,
    /// What can stand after `#` in a link to this page.
    pub(crate) anchors: BTreeSet<String>,
}

/// Reads a page.
pub(crate) fn parse(text: &str) -> Page {
    let mut page = Page::default();
    let mut headings = BTreeMap::new();
    let mut fence = None;
    for (index, line) in text.lines().enumerate() {
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(close)) if open == close => fence = None,
            (Some(_), _) => {}
            (None, None) => page.add_line(index + 1, line, &mut headings),
        }
    }
    page
}

impl Page {
    fn add_line(&mut self, number: usize, line: &str, headings: &mut BTreeMap<String, usize>) {
        if let Some(heading) = heading(line) {
            self.add_heading(&slug(heading), headings);
        }
        let (prose, code) = split_code(line);
        self.code
            .extend(code.into_iter().map(|code| (number, code)));
        self.links.extend(
            link_targets(&prose)
                .into_iter()
                .map(|target| (number, target)),
        );
        for attribute in ["href=\"", "src=\""] {
            self.links
                .extend(quoted_after(&prose, attribute).map(|target| (number, target)));
        }
        for attribute in ["id=\"", "name=\""] {
            self.anchors.extend(quoted_after(&prose, attribute));
        }
    }

    /// The second heading of the same text gets `-1`, the third `-2`.
    fn add_heading(&mut self, slug: &str, headings: &mut BTreeMap<String, usize>) {
        let before = headings.entry(slug.to_owned()).or_insert(0);
        self.anchors.insert(if *before == 0 {
            slug.to_owned()
        } else {
            format!("{slug}-{before}")
        });
        *before += 1;
    }
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    (1..=6)
        .contains(&depth)
        .then(|| text.strip_prefix(' '))
        .flatten()
        .map(str::trim)
}

/// The anchor that the usual renderers give a heading.
fn slug(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    without_targets(heading)
        .to_lowercase()
        .chars()
        .filter(kept)
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

/// The text with `[shown](target)` reduced to `[shown`.
fn without_targets(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        kept.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    kept + rest
}

/// Takes the inline code out of a line: the line without it, and each span of it.
fn split_code(line: &str) -> (String, Vec<String>) {
    let (mut prose, mut code) = (String::new(), Vec::new());
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let after = rest[start..].trim_start_matches('`');
        let ticks = &rest[start..rest.len() - after.len()];
        prose.push_str(&rest[..start]);
        match after.split_once(ticks) {
            Some((span, after)) => {
                code.push(span.trim().to_owned());
                rest = after;
            }
            None => rest = after,
        }
    }
    prose.push_str(rest);
    (prose, code)
}

/// The targets of `[text](target "title")` and of a definition `[name]: target`.
fn link_targets(prose: &str) -> Vec<String> {
    let inline = prose.split("](").skip(1).map(until_closed);
    let definition = prose
        .strip_prefix('[')
        .and_then(|line| line.split_once("]: "))
        .map(|(_, target)| target);
    inline.chain(definition).filter_map(first_word).collect()
}

fn until_closed(text: &str) -> &str {
    let mut open = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => open += 1,
            ')' if open == 0 => return &text[..at],
            ')' => open -= 1,
            _ => {}
        }
    }
    text
}

fn first_word(target: &str) -> Option<String> {
    let word = target.split_whitespace().next()?;
    Some(
        word.trim_start_matches('<')
            .trim_end_matches('>')
            .to_owned(),
    )
}

fn quoted_after(prose: &str, attribute: &str) -> impl Iterator<Item = String> {
    let values = prose.split(attribute).skip(1);
    values
        .filter_map(|rest| rest.split_once('"'))
        .map(|(value, _)| value.to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<String> {
        parse(text)
            .links
            .into_iter()
            .map(|(_, target)| target)
            .collect()
    }

    #[test]
    fn links_of_every_form_are_found() {
        assert_eq!(
            links("[a](x.md) and [b](<y.md> \"title\"), [c](z(1).md#top)"),
            ["x.md", "y.md", "z(1).md#top"]
        );
        assert_eq!(
            links("[name]: docs/x.md\n![i](a.png) <img src=\"b.png\">"),
            ["docs/x.md", "a.png", "b.png"]
        );
        assert_eq!(links("`[a](x.md)` [ ](",), Vec::<String>::new());
        assert_eq!(links("```sh\n[a](x.md)\n```\n[b](y.md)"), ["y.md"]);
    }

    #[test]
    fn code_is_found_between_equal_ticks() {
        let page = parse("see `a/b` and\n``c ` d``, not ` this");
        assert_eq!(page.code, [(1, "a/b".to_owned()), (2, "c ` d".to_owned())]);
    }

    #[test]
    fn headings_are_anchors() {
        let page = parse(
            "# What it is\n## `serve`: the [server](x.md)!\n## Steps\n## Steps\n<a id=\"here\"></a>\n#no",
        );
        let anchors: Vec<_> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(
            anchors,
            ["here", "serve-the-server", "steps", "steps-1", "what-it-is"]
        );
    }
}
