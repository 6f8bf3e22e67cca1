//! The collector that every stage of a check writes its findings to. It turns a place into file, line and column.

use super::place::{Mark, Marks, Place};
use super::problem::{Problem, Warning};

/// Findings about one file so far.
pub(crate) struct Report<'f> {
    file: &'f str,
    pub(crate) marks: Marks,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'f> Report<'f> {
    /// A report without findings about the file called `file`.
    pub(crate) fn new(file: &'f str) -> Self {
        Self {
            file,
            marks: Marks::default(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The value at `place` is wrong.
    pub(crate) fn refuse(&mut self, place: &Place, message: impl Into<String>) {
        self.refuse_but(place, message, None);
    }

    /// The value at `place` is wrong, and `suggestion` was probably meant.
    pub(crate) fn refuse_but(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        self.refuse_at(self.marks.of(place), place, message, suggestion);
    }

    /// As [`Report::refuse_but`], for a finding whose mark is not that of the value at `place`.
    pub(crate) fn refuse_at(
        &mut self,
        mark: Mark,
        place: &Place,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        let problem = self.finding(mark, place, message.into(), suggestion);
        self.problems.push(problem);
    }

    /// The value at `place` is allowed but deserves a look.
    pub(crate) fn warn(&mut self, place: &Place, message: impl Into<String>) {
        let warning = self.finding(self.marks.of(place), place, message.into(), None);
        self.warnings.push(warning);
    }

    fn finding(
        &self,
        mark: Mark,
        place: &Place,
        message: String,
        suggestion: Option<String>,
    ) -> Problem {
        Problem {
            file: self.file.to_owned(),
            line: mark.line,
            column: mark.column,
            path: place.to_string(),
            message,
            suggestion,
        }
    }
}
