//! The JSON Schema (2020-12) of the configuration file, made from the structs and their doc comments. It is what
//! `config schema` prints and what `shape` compares a file with, so both always agree.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

/// The schema of the whole file. Every key has its doc comment as `description` and the first sentence as `title`.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Config>().to_value();
    tidy(&mut schema);
    schema["title"] = "Fleetward configuration".into();
    schema
}

/// Goes through every schema object: an optional key is one that may be left out, not one that may be `null`; the
/// default of a group is that of its keys.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if matches!(object.get("default"), Some(Value::Null | Value::Object(_))) {
                object.remove("default");
            }
            drop_null_from_type(object);
            drop_null_from_choice(object);
            add_title(object);
            for (keyword, value) in object.iter_mut() {
                if keyword != "default" {
                    tidy(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn drop_null_from_type(object: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = object.get_mut("type") else {
        return;
    };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        object["type"] = only.clone();
    }
}

fn drop_null_from_choice(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (keyword, value) in only {
            object.entry(keyword).or_insert(value);
        }
    }
}

fn add_title(object: &mut Map<String, Value>) {
    let Some(Value::String(description)) = object.get("description") else {
        return;
    };
    let description = description.replace('\n', " ");
    let sentence = description.split(';').next().unwrap_or_default();
    let sentence = sentence.split(". ").next().unwrap_or_default();
    let title = sentence.trim_end_matches(['.', ':']).to_owned();
    object.entry("title").or_insert(title.into());
}
