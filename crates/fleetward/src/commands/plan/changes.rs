//! What differs between two revisions of a plan, field by field. Where they stand in their lives is no difference.

use std::collections::BTreeMap;

use fleetward_server::api::types::PlanView;
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;
use crate::page::{Page, Tone};

/// What is not said by the author of a revision.
const LIFE: [&str; 17] = [
    "plan_id",
    "status",
    "digest",
    "waves",
    "warnings",
    "created_at",
    "created_by",
    "approved_at",
    "approved_by",
    "comment",
    "revision",
    "approvals",
    "approvals_required",
    "approvals_missing",
    "approved_devices",
    "expires_at",
    "review",
];

/// A field that differs; of objects, the part that does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Change {
    /// Its name in the API, such as `batch_size` or `rollback_criteria.max_failure_rate`.
    pub(super) field: String,
    /// What it was; nothing where it was not there.
    pub(super) from: Value,
    /// What it is; nothing where it is not there.
    pub(super) to: Value,
}

/// What `to` has otherwise than `from`, by the names of the fields.
///
/// # Errors
/// A plan that can't be written down, which is a mistake in this program.
pub(super) fn between(from: &PlanView, to: &PlanView) -> Result<Vec<Change>, CliError> {
    let mut before = fields(from)?;
    let mut changes = Vec::new();
    for (field, to) in fields(to)? {
        let from = before.remove(&field).unwrap_or_default();
        if from != to {
            changes.push(Change { field, from, to });
        }
    }
    changes.extend(before.into_iter().map(|(field, from)| Change {
        field,
        from,
        to: Value::Null,
    }));
    changes.sort_by(|one, other| one.field.cmp(&other.field));
    Ok(changes)
}

/// Writes changes: what was with a minus, what is with a plus.
pub(super) fn write(page: &mut Page, changes: &[Change]) {
    for Change { field, from, to } in changes {
        page.line(field);
        for (sign, tone, value) in [("-", Tone::Bad, from), ("+", Tone::Good, to)] {
            if !value.is_null() {
                page.toned_line(tone, &format!("  {sign} {}", in_words(value)));
            }
        }
    }
}

/// Everything that the author said, with the parts of objects as fields of their own.
fn fields(plan: &PlanView) -> Result<BTreeMap<String, Value>, CliError> {
    let plan = serde_json::to_value(plan)
        .map_err(|error| CliError::internal(format!("the plan cannot be compared: {error}")))?;
    let mut fields = BTreeMap::new();
    if let Value::Object(plan) = plan {
        for (name, value) in plan {
            if !LIFE.contains(&name.as_str()) {
                lay_out(name, value, &mut fields);
            }
        }
    }
    Ok(fields)
}

fn lay_out(name: String, value: Value, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Null => {}
        Value::Object(parts) => {
            for (part, value) in parts {
                lay_out(format!("{name}.{part}"), value, fields);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            fields.insert(name, value);
        }
    }
}

/// A value without the signs that only programs need.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains(char::is_control) => text.clone(),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (None, Some(number)) => number.to_string(),
            (Some(_), _) | (None, None) => number.to_string(),
        },
        Value::Array(items) if items.iter().all(|item| !item.is_object()) && !items.is_empty() => {
            let items: Vec<String> = items.iter().map(in_words).collect();
            items.join(", ")
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::view::tests::plan;
    use super::{between, write};
    use crate::page::{Page, Style};

    fn told(from: &serde_json::Value, to: &serde_json::Value) -> String {
        let mut page = Page::new(Style { color: false });
        write(&mut page, &between(&plan(from), &plan(to)).unwrap());
        page.text().to_owned()
    }

    #[test]
    fn fields_and_parts_of_fields_are_told_apart() {
        let from = json!({
            "batch_size": 3, "description": "", "canary_steps": [25.0, 100.0],
            "rollback_criteria": {"max_failure_rate": 10.0, "min_judged": 50.0},
            "schedule": {"at": "2030-01-31T02:00:00Z"},
        });
        let to = json!({
            "batch_size": 5, "description": "two\nlines", "canary_steps": [2.5, 100.0],
            "rollback_criteria": {"max_failure_rate": 2.5, "min_judged": 50.0},
        });
        let expected = "batch_size\n  - 3\n  + 5\n\
            canary_steps\n  - 25, 100\n  + 2.5, 100\n\
            description\n  - \"\"\n  + \"two\\nlines\"\n\
            rollback_criteria.max_failure_rate\n  - 10\n  + 2.5\n\
            schedule.at\n  - 2030-01-31T02:00:00Z\n";
        assert_eq!(told(&from, &to), expected);
    }

    #[test]
    fn where_a_plan_stands_is_no_change_of_it() {
        let from = json!({"status": "approved", "revision": 1, "digest": "a", "waves": [1]});
        let to = json!({"status": "draft", "revision": 2, "digest": "b", "comment": "no"});
        assert_eq!(told(&from, &to), "");
        assert_eq!(
            told(&from, &json!({"emergency": true})),
            "emergency\n  - false\n  + true\n"
        );
    }
}
