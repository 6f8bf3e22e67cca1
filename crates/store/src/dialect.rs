//! The few texts that differ between engines: how a list comes in as one parameter.

/// A table of rows out of one JSON array of objects.
pub(crate) fn rows(parameter: &str, columns: &[&str]) -> String {
    let list: Vec<String> = columns
        .iter()
        .map(|c| format!("value ->> '{c}' AS {c}"))
        .collect();
    format!("(SELECT {} FROM json_each({parameter}))", list.join(", "))
}

/// A table with the one column `value` out of one JSON array of plain values.
pub(crate) fn list(parameter: &str) -> String {
    format!("(SELECT value FROM json_each({parameter}))")
}

/// A table of devices out of one JSON array of numbers, each with its place in the list from 0.
pub(crate) fn numbered_list(parameter: &str) -> String {
    format!("(SELECT value AS device, key AS place FROM json_each({parameter}))")
}

/// The values of a JSON array in a column, beside the row that has it; the column is `value`.
pub(crate) fn each_in(column: &str) -> String {
    format!("json_each({column})")
}
