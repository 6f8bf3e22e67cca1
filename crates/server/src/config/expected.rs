//! What the JSON Schema asks for at one key, in the few forms that our own schema has.

use serde_json::Value as Json;

/// What a schema asks for.
pub(crate) enum Expected<'s> {
    /// Any text; one that must not be shown when `secret`.
    Text { secret: bool },
    /// A number in a range.
    Number {
        whole: bool,
        least: Option<f64>,
        most: Option<f64>,
    },
    /// A truth value.
    Bool,
    /// One of these words.
    Word(Vec<&'s str>),
    /// A list whose items have this schema.
    List(&'s Json),
    /// A mapping with the keys of this schema and no others.
    Keys(&'s Json),
    /// A mapping with any keys and values of this schema.
    Entries(&'s Json),
    /// A mapping whose key `type` says which of these it is.
    Kinds(Vec<(&'s str, &'s Json)>),
}

impl<'s> Expected<'s> {
    /// What `schema` asks for; references lead to the definitions of `root`.
    pub(crate) fn of(schema: &'s Json, root: &'s Json) -> Self {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            return Self::of(&root["$defs"][name], root);
        }
        let words = words(schema);
        if !words.is_empty() {
            return Self::Word(words);
        }
        if let Some(kinds) = schema["oneOf"].as_array() {
            let named =
                |kind: &'s Json| Some((kind["properties"]["type"]["const"].as_str()?, kind));
            return Self::Kinds(kinds.iter().filter_map(named).collect());
        }
        match schema["type"].as_str() {
            Some("string") => Self::Text {
                secret: schema["format"] == "password",
            },
            Some("boolean") => Self::Bool,
            Some("array") => Self::List(&schema["items"]),
            Some("object") if schema["additionalProperties"].is_object() => {
                Self::Entries(&schema["additionalProperties"])
            }
            Some("object") => Self::Keys(schema),
            kind => Self::Number {
                whole: kind == Some("integer"),
                least: schema["minimum"].as_f64(),
                most: schema["maximum"].as_f64(),
            },
        }
    }

    /// Whether it is a mapping or a list, which may be empty and then has no value in YAML.
    pub(crate) fn is_group(&self) -> bool {
        match self {
            Self::List(_) | Self::Keys(_) | Self::Entries(_) | Self::Kinds(_) => true,
            Self::Text { .. } | Self::Number { .. } | Self::Bool | Self::Word(_) => false,
        }
    }

    /// The words for it in a message.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Text { .. } => "text".to_owned(),
            Self::Number { whole: true, .. } => "a whole number".to_owned(),
            Self::Number { whole: false, .. } => "a number".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Word(words) => one_of(words),
            Self::List(_) => "a list".to_owned(),
            Self::Keys(_) | Self::Entries(_) | Self::Kinds(_) => "a group of keys".to_owned(),
        }
    }
}

/// The keys that a mapping of `schema` must have.
pub(crate) fn required(schema: &Json) -> impl Iterator<Item = &str> {
    let keys = schema["required"].as_array();
    let keys = keys.map(Vec::as_slice).unwrap_or_default();
    keys.iter().filter_map(Json::as_str)
}

/// The words as a choice: `a`, `b` or `c`.
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The words a schema allows, as `const`, as `enum` or as a choice of those.
fn words(schema: &Json) -> Vec<&str> {
    if let Some(word) = schema["const"].as_str() {
        return vec![word];
    }
    let choices = schema["enum"].as_array();
    let choices = choices.or_else(|| schema["oneOf"].as_array());
    let choices = choices.map(Vec::as_slice).unwrap_or_default();
    choices
        .iter()
        .flat_map(|choice| {
            choice
                .as_str()
                .map_or_else(|| words(choice), |word| vec![word])
        })
        .collect()
}
