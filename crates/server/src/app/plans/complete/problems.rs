//! What is wrong with the fields of a request, collected so that all of it is told at once.

use std::ops::RangeInclusive;

use fleetward_core::percent::Percent;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::AppError;
use crate::app::error::Problem;

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Problem {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// Names a rule that the whole plan breaks, unless something was found wrong in that place before.
    pub(super) fn add_rule(&mut self, field: &str, message: String) {
        let inside = |found: &str| {
            let rest = found.strip_prefix(field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !self.0.iter().any(|problem| inside(&problem.field)) {
            self.add(field, message);
        }
    }

    /// The error that names all of them, where there is one.
    pub(super) fn none_or_error(self) -> Result<(), AppError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(AppError::Invalid(self.0))
        }
    }

    /// The percentage, or the default where there is none or none that can be.
    pub(super) fn percent(&mut self, field: &str, value: Option<f64>, default: Percent) -> Percent {
        match value.map(Percent::try_from) {
            None => default,
            Some(Ok(percent)) => percent,
            Some(Err(error)) => {
                self.add(field, error.to_string());
                default
            }
        }
    }

    /// What a word stands for, or the default where there is none or none that is known.
    pub(super) fn word<T: DeserializeOwned>(
        &mut self,
        field: &str,
        value: Option<&String>,
        default: T,
    ) -> T {
        let word = value.map(|word| Value::String(word.clone()));
        word.and_then(|word| self.value(field, word))
            .unwrap_or(default)
    }

    /// What a value stands for, where it can be read.
    pub(super) fn value<T: DeserializeOwned>(&mut self, field: &str, value: Value) -> Option<T> {
        serde_json::from_value(value)
            .map_err(|error| self.add(field, error.to_string()))
            .ok()
    }

    /// Names a number that does not lie in its range.
    pub(super) fn within(&mut self, field: &str, value: u64, range: RangeInclusive<u64>) {
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            let message = format!("must be from {least} to {most}, but is {value}");
            self.add(field, message);
        }
    }
}
