//! Does a file have the shape of a configuration? Compares the parsed tree with the JSON Schema and reports every
//! unknown key, wrong type, unknown word and number out of range at once. What fits is kept as JSON, so that the rules
//! that need more than a schema can look at the rest of a file that is partly wrong.

use serde_json::{Map, Number, Value as Json};

use super::place::{Mark, Place};
use super::report::Report;
use super::suggest::closest;
use super::tree::{Entry, Node, Origin, Value};

/// The part of `root` that fits `schema`, with a problem in `report` for every part that does not.
pub(crate) fn fit(root: &Node, schema: &Json, report: &mut Report<'_>) -> Option<Json> {
    let mut shape = Shape { schema, report };
    let expected = shape.expected(schema);
    if matches!(root.value, Value::Nothing) {
        return Some(Json::Object(Map::new()));
    }
    shape.value(root, &expected, &Place::root())
}

struct Shape<'s, 'r, 'f> {
    schema: &'s Json,
    report: &'r mut Report<'f>,
}

/// What a schema asks for.
enum Expected<'s> {
    Text {
        secret: bool,
    },
    Number {
        whole: bool,
        least: Option<f64>,
        most: Option<f64>,
    },
    Bool,
    Word(Vec<&'s str>),
    List(&'s Json),
    /// A mapping with these keys and no others.
    Keys(&'s Json),
    /// A mapping with any keys and values of one schema.
    Entries(&'s Json),
    /// A mapping whose key `type` says which of these it is.
    Kinds(Vec<(&'s str, &'s Json)>),
}

impl<'s> Shape<'s, '_, '_> {
    fn value(&mut self, node: &Node, expected: &Expected<'s>, place: &Place) -> Option<Json> {
        if let Value::Text {
            origin: Origin::Unresolved,
            ..
        } = node.value
        {
            return None;
        }
        match (expected, &node.value) {
            (Expected::Bool, Value::Bool(value)) => Some(Json::Bool(*value)),
            (Expected::Text { .. }, Value::Text { text, .. }) => Some(Json::from(text.as_str())),
            (Expected::Word(words), Value::Text { text, origin }) => {
                self.word(text, *origin, words, place)
            }
            (Expected::Number { .. }, Value::Number(number)) => {
                self.number(number, expected, place)
            }
            (Expected::List(schema), Value::List(items)) => Some(self.list(items, schema, place)),
            (Expected::Keys(schema), Value::Map(entries)) => self.keys(entries, schema, place),
            (Expected::Entries(schema), Value::Map(entries)) => {
                Some(self.entries(entries, schema, place))
            }
            (Expected::Kinds(kinds), Value::Map(entries)) => self.kind(entries, kinds, place),
            (
                _,
                Value::Text {
                    text,
                    origin: Origin::Interpolated,
                },
            ) => self.from_outside(text, node.mark, expected, place),
            (_, found) => {
                self.wrong_type(found, expected, place);
                None
            }
        }
    }

    fn word(&mut self, text: &str, origin: Origin, words: &[&str], place: &Place) -> Option<Json> {
        if words.contains(&text) {
            return Some(Json::from(text));
        }
        let choice = one_of(words);
        match origin {
            Origin::Written => {
                let suggestion = closest(text, words.iter().copied());
                let message = format!("`{text}` is unknown; use {choice}");
                self.report.refuse_but(place, message, suggestion);
            }
            Origin::Interpolated | Origin::Unresolved => {
                let message = format!("the interpolated text is unknown; use {choice}");
                self.report.refuse(place, message);
            }
        }
        None
    }

    fn number(&mut self, number: &Number, expected: &Expected<'_>, place: &Place) -> Option<Json> {
        let Expected::Number { whole, least, most } = expected else {
            return None;
        };
        if *whole && !(number.is_u64() || number.is_i64()) {
            self.report
                .refuse(place, format!("must be a whole number, but is {number}"));
            return None;
        }
        let value = number.as_f64()?;
        if least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most) {
            return Some(Json::Number(number.clone()));
        }
        let range = match (least, most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => String::new(),
        };
        self.report
            .refuse(place, format!("must be {range}, but is {number}"));
        None
    }

    fn list(&mut self, items: &[Node], schema: &'s Json, place: &Place) -> Json {
        let expected = self.expected(schema);
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.value(item, &expected, &place.item(index)))
            .collect()
    }

    fn keys(&mut self, entries: &[Entry], schema: &'s Json, place: &Place) -> Option<Json> {
        let known = schema["properties"]
            .as_object()
            .expect("invariant: a struct has properties");
        let mut fitting = Map::new();
        for entry in first_of_each(entries) {
            let place = place.key(&entry.key);
            let Some(schema) = known.get(&entry.key) else {
                let suggestion = closest(&entry.key, known.keys().map(String::as_str));
                let mut message = "unknown key".to_owned();
                if suggestion.is_none() {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    message = format!("unknown key; the keys here are {}", names.join(", "));
                }
                self.report
                    .refuse_at(entry.key_mark, &place, message, suggestion);
                continue;
            };
            let expected = self.expected(schema);
            if matches!(entry.node.value, Value::Nothing) && expected.is_group() {
                continue;
            }
            if let Some(value) = self.value(&entry.node, &expected, &place) {
                fitting.insert(entry.key.clone(), value);
            }
        }
        let complete = self.has_required(entries, schema, place);
        let required = required(schema).all(|key| fitting.contains_key(key));
        (complete && required).then_some(Json::Object(fitting))
    }

    fn has_required(&mut self, entries: &[Entry], schema: &Json, place: &Place) -> bool {
        let missing: Vec<String> = required(schema)
            .filter(|key| !entries.iter().any(|entry| entry.key == *key))
            .map(|key| format!("`{key}`"))
            .collect();
        if !missing.is_empty() {
            let message = format!("needs the key {}", missing.join(" and "));
            self.report.refuse(place, message);
        }
        missing.is_empty()
    }

    fn entries(&mut self, entries: &[Entry], schema: &'s Json, place: &Place) -> Json {
        let expected = self.expected(schema);
        let mut fitting = Map::new();
        for entry in first_of_each(entries) {
            let place = place.key(&entry.key);
            let empty = Value::Map(Vec::new());
            let node = match &entry.node.value {
                Value::Nothing if expected.is_group() => &Node {
                    value: empty,
                    mark: entry.key_mark,
                },
                _ => &entry.node,
            };
            if let Some(value) = self.value(node, &expected, &place) {
                fitting.insert(entry.key.clone(), value);
            }
        }
        Json::Object(fitting)
    }

    fn kind(
        &mut self,
        entries: &[Entry],
        kinds: &[(&'s str, &'s Json)],
        place: &Place,
    ) -> Option<Json> {
        let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        let Some(entry) = entries.iter().find(|entry| entry.key == "type") else {
            let message = format!("needs the key `type`: {}", one_of(&names));
            self.report.refuse(place, message);
            return None;
        };
        let name = self.value(&entry.node, &Expected::Word(names), &place.key("type"))?;
        let (_, schema) = kinds.iter().find(|(kind, _)| name == *kind)?;
        self.keys(entries, schema, place)
    }

    /// A number or a truth value that came through `${…}` is text in the file; it counts when it reads as one.
    fn from_outside(
        &mut self,
        text: &str,
        mark: Mark,
        expected: &Expected<'s>,
        place: &Place,
    ) -> Option<Json> {
        let value = match expected {
            Expected::Number { .. } => text.trim().parse().ok().map(Value::Number),
            Expected::Bool => text.trim().parse().ok().map(Value::Bool),
            Expected::Text { .. }
            | Expected::Word(_)
            | Expected::List(_)
            | Expected::Keys(_)
            | Expected::Entries(_)
            | Expected::Kinds(_) => None,
        };
        let Some(value) = value else {
            let message = format!(
                "must be {}, but the interpolated text is not",
                expected.name()
            );
            self.report.refuse(place, message);
            return None;
        };
        self.value(&Node { value, mark }, expected, place)
    }

    fn wrong_type(&mut self, found: &Value, expected: &Expected<'_>, place: &Place) {
        let wanted = expected.name();
        let secret = matches!(expected, Expected::Text { secret: true });
        let (message, suggestion) = match found {
            Value::Nothing => (
                format!("has no value; give it {wanted} or remove the key"),
                None,
            ),
            Value::Bool(value) => (format!("must be {wanted}, but is `{value}`"), None),
            Value::Number(_) if secret => ("must be text; put it in quotes".to_owned(), None),
            Value::Number(number) => {
                let quoted = matches!(expected, Expected::Text { .. }) && !number.is_f64();
                let message = format!("must be {wanted}, but is the number {number}");
                (message, quoted.then(|| format!("\"{number}\"")))
            }
            Value::Text { text, .. } => {
                let suggestion = match expected {
                    Expected::Bool => truth(text),
                    Expected::Number { .. } => digits(text),
                    Expected::Text { .. }
                    | Expected::Word(_)
                    | Expected::List(_)
                    | Expected::Keys(_)
                    | Expected::Entries(_)
                    | Expected::Kinds(_) => None,
                };
                (format!("must be {wanted}, but is text"), suggestion)
            }
            Value::List(_) => (format!("must be {wanted}, but is a list"), None),
            Value::Map(_) => (format!("must be {wanted}, but is a group of keys"), None),
        };
        self.report.refuse_but(place, message, suggestion);
    }

    fn expected(&self, schema: &'s Json) -> Expected<'s> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/$defs/");
            return self.expected(&self.schema["$defs"][name]);
        }
        let words = words(schema);
        if !words.is_empty() {
            return Expected::Word(words);
        }
        if let Some(kinds) = schema["oneOf"].as_array() {
            let named =
                |kind: &'s Json| Some((kind["properties"]["type"]["const"].as_str()?, kind));
            return Expected::Kinds(kinds.iter().filter_map(named).collect());
        }
        match schema["type"].as_str() {
            Some("string") => Expected::Text {
                secret: schema["format"] == "password",
            },
            Some("boolean") => Expected::Bool,
            Some("array") => Expected::List(&schema["items"]),
            Some("object") if schema["additionalProperties"].is_object() => {
                Expected::Entries(&schema["additionalProperties"])
            }
            Some("object") => Expected::Keys(schema),
            kind => Expected::Number {
                whole: kind == Some("integer"),
                least: schema["minimum"].as_f64(),
                most: schema["maximum"].as_f64(),
            },
        }
    }
}

impl Expected<'_> {
    fn is_group(&self) -> bool {
        matches!(
            self,
            Self::List(_) | Self::Keys(_) | Self::Entries(_) | Self::Kinds(_)
        )
    }

    fn name(&self) -> String {
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

/// The words a schema allows, as `const`, as `enum` or as a choice of those.
fn words(schema: &Json) -> Vec<&str> {
    if let Some(word) = schema["const"].as_str() {
        return vec![word];
    }
    let choices = schema["enum"]
        .as_array()
        .or_else(|| schema["oneOf"].as_array());
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

fn required(schema: &Json) -> impl Iterator<Item = &str> {
    let keys = schema["required"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    keys.iter().filter_map(Json::as_str)
}

/// Later entries of a key that is given twice are reported by the parser and left out here.
fn first_of_each(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    entries
        .iter()
        .enumerate()
        .filter(|(index, entry)| !entries[..*index].iter().any(|other| other.key == entry.key))
        .map(|(_, entry)| entry)
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn truth(text: &str) -> Option<String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some("true".to_owned()),
        "no" | "off" | "n" | "false" => Some("false".to_owned()),
        _ => None,
    }
}

fn digits(text: &str) -> Option<String> {
    let number = text.trim().trim_end_matches(['%', 's']).trim_end();
    number.parse::<f64>().ok().map(|_| number.to_owned())
}
