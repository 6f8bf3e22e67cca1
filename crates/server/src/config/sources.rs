//! `${NAME}` and `${file:PATH}` in texts of the configuration, and the outside world they are looked up in.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::place::Place;
use super::report::Report;
use super::tree::{Node, Origin, Value};

type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;
type Files = Box<dyn Fn(&Path) -> io::Result<String> + Send + Sync>;

/// Where `${NAME}` and `${file:PATH}` are looked up.
pub struct Sources {
    variables: Variables,
    files: Files,
}

impl Sources {
    /// The environment variables and the files of this process.
    pub fn system() -> Self {
        Self::of(
            |name| std::env::var(name).ok(),
            |path| std::fs::read_to_string(path),
        )
    }

    /// Other lookups: `variables` by name, `files` by path.
    pub fn of(
        variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        files: impl Fn(&Path) -> io::Result<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            variables: Box::new(variables),
            files: Box::new(files),
        }
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<String> {
        (self.files)(path)
    }

    /// The text that stands for `reference`, the part between `${` and `}`. Paths are relative to `folder`.
    fn resolve(&self, reference: &str, folder: &Path) -> Result<String, String> {
        if let Some(path) = reference.strip_prefix("file:") {
            let path: PathBuf = folder.join(path.trim());
            let text = self.read(&path).map_err(|error| {
                format!("the file `{}` cannot be read: {error}", path.display())
            })?;
            return Ok(text.trim_end_matches(['\n', '\r']).to_owned());
        }
        if !is_variable_name(reference) {
            return Err(format!(
                "`${{{reference}}}` is neither `${{NAME}}` nor `${{file:PATH}}`; write `$${{` for a literal `${{`"
            ));
        }
        (self.variables)(reference)
            .ok_or_else(|| format!("the environment variable `{reference}` is not set"))
    }

    /// Replaces every reference in `text`.
    fn interpolate(&self, text: &str, folder: &Path) -> Result<String, Vec<String>> {
        let mut done = String::new();
        let mut failures = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, reference) = (&rest[..start], &rest[start + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                done.push_str(before);
                done.push_str("${");
                rest = reference;
                continue;
            }
            done.push_str(before);
            let Some(end) = reference.find('}') else {
                failures.push("`${` has no closing `}`; write `$${` for a literal `${`".to_owned());
                break;
            };
            match self.resolve(&reference[..end], folder) {
                Ok(found) => done.push_str(&found),
                Err(failure) => failures.push(failure),
            }
            rest = &reference[end + 1..];
        }
        done.push_str(rest);
        if failures.is_empty() {
            Ok(done)
        } else {
            Err(failures)
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// Replaces the references in every text under `node`, which is at `place`.
pub(crate) fn interpolate(
    node: &mut Node,
    place: &Place,
    sources: &Sources,
    folder: &Path,
    report: &mut Report<'_>,
) {
    match &mut node.value {
        Value::Text { text, origin } if text.contains("${") => {
            match sources.interpolate(text, folder) {
                Ok(done) => {
                    *text = done;
                    *origin = Origin::Interpolated;
                }
                Err(failures) => {
                    *origin = Origin::Unresolved;
                    for failure in failures {
                        report.refuse(place, failure);
                    }
                }
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                interpolate(item, &place.item(index), sources, folder, report);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let place = place.key(&entry.key);
                interpolate(&mut entry.node, &place, sources, folder, report);
            }
        }
        Value::Nothing | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => {}
    }
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Sources;

    fn interpolate(text: &str) -> Result<String, Vec<String>> {
        let sources = Sources::of(
            |name| (name == "NAME").then(|| "value".to_owned()),
            |path| Ok(format!("{}\n", path.display())),
        );
        sources.interpolate(text, Path::new("etc"))
    }

    #[test]
    fn replaces_variables_and_files() {
        assert_eq!(
            interpolate("a ${NAME}, ${NAME}."),
            Ok("a value, value.".to_owned())
        );
        assert_eq!(interpolate("${file:key}"), Ok("etc/key".to_owned()));
        assert_eq!(interpolate("${file:/run/key}"), Ok("/run/key".to_owned()));
    }

    #[test]
    fn keeps_what_is_escaped_or_no_reference() {
        assert_eq!(
            interpolate("$${NAME} $5 {}"),
            Ok("${NAME} $5 {}".to_owned())
        );
    }

    #[test]
    fn names_every_failure() {
        let failures = interpolate("${A} ${NAME} ${A-b} ${").expect_err("three of them fail");
        assert_eq!(failures.len(), 3);
        assert!(failures[0].contains("`A` is not set"), "{failures:?}");
    }
}
