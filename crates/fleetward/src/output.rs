//! What is written to the terminal. The only file that writes to standard output and standard error: results go to the
//! former, in the format that was asked for, and everything else to the latter.

use std::io::{self, BufRead, ErrorKind as IoErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::error::{CliError, ErrorKind};
use crate::page::{Page, Style};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and sentences for people
    Table,
    /// JSON for programs
    Json,
    /// YAML for programs and people
    Yaml,
}

/// The way to the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    /// Colours on standard output.
    color: bool,
    /// Colours on standard error.
    note_color: bool,
}

impl Output {
    /// Results in `format`, without colours where `plain` is set, `NO_COLOR` says so or nobody sees them.
    pub(crate) fn new(format: Format, plain: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let unable = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let color = !(plain || unwanted || unable);
        Self {
            format,
            color: color && io::stdout().is_terminal(),
            note_color: color && io::stderr().is_terminal(),
        }
    }

    /// Results are for people.
    pub(crate) fn for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// How notes look.
    pub(crate) const fn note_style(&self) -> Style {
        Style {
            color: self.note_color,
        }
    }

    /// How results look.
    pub(crate) const fn style(&self) -> Style {
        Style { color: self.color }
    }

    /// Writes a result: `value` for programs, or what `write` puts on the page for people.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        write: impl FnOnce(&mut Page),
    ) -> Result<(), CliError> {
        match self.format {
            Format::Table => {
                let mut page = Page::new(self.style());
                write(&mut page);
                self.text(page.text())
            }
            Format::Json => {
                let json = serde_json::to_string_pretty(value).map_err(|error| {
                    CliError::internal(format!("the result cannot be written as JSON: {error}"))
                })?;
                self.text(&(json + "\n"))
            }
            Format::Yaml => {
                let yaml = serde_saphyr::to_string(value).map_err(|error| {
                    CliError::internal(format!("the result cannot be written as YAML: {error}"))
                })?;
                self.text(&yaml)
            }
        }
    }

    /// Writes text to standard output as it is.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(unwritable)
    }

    /// Writes a line to standard error. A terminal that takes none is no reason to stop.
    pub(crate) fn note(&self, line: &str) {
        drop(writeln!(io::stderr().lock(), "{line}"));
    }

    /// Writes an error to standard error.
    pub(crate) fn error(&self, error: &CliError) {
        if error.kind() != ErrorKind::ClosedPipe {
            self.note(&error.to_string());
        }
    }

    /// Asks a question on standard error and reads the answer, without the white space around it.
    pub(crate) fn ask(&self, question: &str) -> Result<String, CliError> {
        let mut err = io::stderr().lock();
        drop(write!(err, "{question} ").and_then(|()| err.flush()));
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        match read {
            Ok(0) => Err(
                CliError::usage("there is no answer to read on standard input").hint(
                    "give the values as flags or with --config FILE instead of --interactive",
                ),
            ),
            Ok(_) => Ok(answer.trim().to_owned()),
            Err(error) => Err(CliError::internal(format!(
                "standard input cannot be read: {error}"
            ))),
        }
    }
}

fn unwritable(error: io::Error) -> CliError {
    match error.kind() == IoErrorKind::BrokenPipe {
        true => CliError::new(ErrorKind::ClosedPipe, "nobody reads the output"),
        false => CliError::internal(format!("standard output cannot be written: {error}")),
    }
}
