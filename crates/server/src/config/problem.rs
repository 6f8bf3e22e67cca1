//! What can be wrong with a configuration file, and how it is said: problems, warnings and their order. Which rules
//! find them is in the other files.

use std::fmt;

/// One thing that is wrong, where it is and, where one can be guessed, what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named to the check; empty when the problem is of a configuration without a file.
    pub file: String,
    /// Line, counted from 1; 0 when the problem has no place in a file.
    pub line: usize,
    /// Column in characters, counted from 1; 0 when the problem has no place in a file.
    pub column: usize,
    /// The key, such as `environments.production.deployment_window.timezone`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what to do about it. Never repeats the text of a secret.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// Something that is allowed but deserves a look before `serve`.
pub type Warning = Problem;

/// A configuration that was refused, with everything that is wrong with it in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct ConfigError {
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl Problem {
    /// A problem of a configuration that no longer knows its file.
    pub(crate) fn without_place(path: &str, message: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line: 0,
            column: 0,
            path: path.to_owned(),
            message: message.into(),
            suggestion: None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if !self.file.is_empty() || self.line > 0 {
            f.write_str(" ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, " (did you mean `{suggestion}`?)")?;
        }
        Ok(())
    }
}

/// Sorts by place in the file; problems of one place keep the order in which they were found.
pub(crate) fn in_file_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
