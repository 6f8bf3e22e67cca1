//! Does a file have the shape of a configuration? Compares the parsed tree with the JSON Schema and reports every
//! unknown key, wrong type, unknown word and number out of range at once. What fits is kept as JSON, so that the rules
//! that need more than a schema can look at the rest of a file that is partly wrong.

use serde_json::{Map, Number, Value as Json};

use super::expected::{Expected, one_of, required};
use super::place::{Mark, Place};
use super::report::Report;
use super::suggest::closest;
use super::tree::{Entry, Node, Origin, Value};

/// The part of `root` that fits `schema`, with a problem in `report` for every part that does not.
pub(crate) fn fit(root: &Node, schema: &Json, report: &mut Report<'_>) -> Option<Json> {
    if matches!(root.value, Value::Nothing) {
        return Some(Json::Object(Map::new()));
    }
    let mut shape = Shape { schema, report };
    shape.value(root, &Expected::of(schema, schema), &Place::root())
}

struct Shape<'s, 'r, 'f> {
    schema: &'s Json,
    report: &'r mut Report<'f>,
}

impl<'s> Shape<'s, '_, '_> {
    fn value(&mut self, node: &Node, expected: &Expected<'s>, place: &Place) -> Option<Json> {
        match (expected, &node.value) {
            (
                _,
                Value::Text {
                    origin: Origin::Unresolved,
                    ..
                },
            ) => None,
            (Expected::Bool, Value::Bool(value)) => Some(Json::Bool(*value)),
            (Expected::Text { .. }, Value::Text { text, .. }) => Some(Json::from(text.as_str())),
            (Expected::Word(words), Value::Text { text, origin }) => {
                self.word(text, *origin, words, place)
            }
            (Expected::Number { whole, least, most }, Value::Number(number)) => {
                self.number(number, *whole, (*least, *most), place)
            }
            (Expected::List(schema), Value::List(items)) => self.list(items, schema, place),
            (Expected::Keys(schema), Value::Map(entries)) => self.keys(entries, schema, place),
            (Expected::Entries(schema), Value::Map(entries)) => {
                Some(self.entries(entries, schema, place))
            }
            (Expected::Kinds(kinds), Value::Map(entries)) => self.kind(entries, kinds, place),
            (
                Expected::Bool
                | Expected::Text { .. }
                | Expected::Word(_)
                | Expected::Number { .. }
                | Expected::List(_)
                | Expected::Keys(_)
                | Expected::Entries(_)
                | Expected::Kinds(_),
                found,
            ) => self.misfit(found, node.mark, expected, place),
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

    fn number(
        &mut self,
        number: &Number,
        whole: bool,
        range: (Option<f64>, Option<f64>),
        place: &Place,
    ) -> Option<Json> {
        if whole && !(number.is_u64() || number.is_i64()) {
            let message = format!("must be a whole number, but is {number}");
            self.report.refuse(place, message);
            return None;
        }
        let value = number.as_f64()?;
        let (least, most) = range;
        if least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most) {
            return Some(Json::Number(number.clone()));
        }
        let range = match (least, most) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => "a number".to_owned(),
        };
        let message = format!("must be {range}, but is {number}");
        self.report.refuse(place, message);
        None
    }

    /// A list fits only as a whole, as its items would change their positions if some were left out.
    fn list(&mut self, items: &[Node], schema: &'s Json, place: &Place) -> Option<Json> {
        let expected = Expected::of(schema, self.schema);
        let fitting: Vec<Option<Json>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.value(item, &expected, &place.item(index)))
            .collect();
        fitting.into_iter().collect()
    }

    fn keys(&mut self, entries: &[Entry], schema: &'s Json, place: &Place) -> Option<Json> {
        let known = schema["properties"].as_object();
        let known = known.expect("invariant: the schema of a struct has properties");
        let mut fitting = Map::new();
        for entry in first_of_each(entries) {
            let place = place.key(&entry.key);
            let Some(schema) = known.get(&entry.key) else {
                self.unknown_key(entry, known, &place);
                continue;
            };
            let expected = Expected::of(schema, self.schema);
            if matches!(entry.node.value, Value::Nothing) && expected.is_group() {
                continue;
            }
            if let Some(value) = self.value(&entry.node, &expected, &place) {
                fitting.insert(entry.key.clone(), value);
            }
        }
        self.report_missing(entries, schema, place);
        let complete = required(schema).all(|key| fitting.contains_key(key));
        complete.then_some(Json::Object(fitting))
    }

    fn unknown_key(&mut self, entry: &Entry, known: &Map<String, Json>, place: &Place) {
        let suggestion = closest(&entry.key, known.keys().map(String::as_str));
        let mut message = "unknown key".to_owned();
        if suggestion.is_none() {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            message = format!("unknown key; the keys here are {}", names.join(", "));
        }
        self.report
            .refuse_at(entry.key_mark, place, message, suggestion);
    }

    fn report_missing(&mut self, entries: &[Entry], schema: &Json, place: &Place) {
        let missing: Vec<String> = required(schema)
            .filter(|key| !entries.iter().any(|entry| entry.key == *key))
            .map(|key| format!("`{key}`"))
            .collect();
        if !missing.is_empty() {
            let noun = if missing.len() == 1 { "key" } else { "keys" };
            let message = format!("needs the {noun} {}", missing.join(" and "));
            self.report.refuse(place, message);
        }
    }

    /// A mapping with any keys; a key without a value has the defaults of its group.
    fn entries(&mut self, entries: &[Entry], schema: &'s Json, place: &Place) -> Json {
        let expected = Expected::of(schema, self.schema);
        let mut fitting = Map::new();
        for entry in first_of_each(entries) {
            let place = place.key(&entry.key);
            let empty = Node {
                value: Value::Map(Vec::new()),
                mark: entry.key_mark,
            };
            let nothing = matches!(entry.node.value, Value::Nothing);
            let node = if nothing && expected.is_group() {
                &empty
            } else {
                &entry.node
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

    /// A value of another type than expected. A number or a truth value that came through `${…}` is text in the file and
    /// counts when it reads as one.
    fn misfit(
        &mut self,
        found: &Value,
        mark: Mark,
        expected: &Expected<'s>,
        place: &Place,
    ) -> Option<Json> {
        if let Value::Text {
            text,
            origin: Origin::Interpolated,
        } = found
        {
            if let Some(value) = read_as(expected, text) {
                return self.value(&Node { value, mark }, expected, place);
            }
            let name = expected.name();
            let message = format!("must be {name}, but the interpolated text is not");
            self.report.refuse(place, message);
            return None;
        }
        let (message, suggestion) = wrong_type(found, expected);
        self.report.refuse_but(place, message, suggestion);
        None
    }
}

/// What to say of a value that is not what is expected, and what was probably meant.
fn wrong_type(found: &Value, expected: &Expected<'_>) -> (String, Option<String>) {
    let wanted = expected.name();
    let secret = matches!(expected, Expected::Text { secret: true });
    let text = matches!(expected, Expected::Text { .. });
    match found {
        Value::Nothing if text => {
            let hint = "give it text, in quotes if that begins with `#`, or remove it";
            (format!("has no value; {hint}"), None)
        }
        Value::Nothing => (format!("has no value; give it {wanted} or remove it"), None),
        Value::Bool(value) => (format!("must be {wanted}, but is `{value}`"), None),
        Value::Number(_) if secret => ("must be text; put it in quotes".to_owned(), None),
        Value::Number(number) => {
            let quoted = (text && !number.is_f64()).then(|| format!("\"{number}\""));
            (
                format!("must be {wanted}, but is the number {number}"),
                quoted,
            )
        }
        Value::Text { text, .. } => (
            format!("must be {wanted}, but is text"),
            meant(expected, text),
        ),
        Value::List(_) => (format!("must be {wanted}, but is a list"), None),
        Value::Map(_) => (format!("must be {wanted}, but is a group of keys"), None),
    }
}

/// The number or truth value that `text` spells.
fn read_as(expected: &Expected<'_>, text: &str) -> Option<Value> {
    if let Expected::Number { .. } = expected {
        text.trim().parse().ok().map(Value::Number)
    } else if let Expected::Bool = expected {
        text.trim().parse().ok().map(Value::Bool)
    } else {
        None
    }
}

/// The number or truth value that was meant by `text`.
fn meant(expected: &Expected<'_>, text: &str) -> Option<String> {
    if let Expected::Number { .. } = expected {
        let number = text.trim().trim_end_matches(['%', 's']).trim_end();
        number
            .parse::<Number>()
            .ok()
            .map(|number| number.to_string())
    } else if let Expected::Bool = expected {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => Some("true".to_owned()),
            "no" | "off" | "n" | "false" => Some("false".to_owned()),
            _ => None,
        }
    } else {
        None
    }
}

/// Later entries of a key that is given twice are reported by the parser and left out here.
fn first_of_each(entries: &[Entry]) -> impl Iterator<Item = &Entry> {
    let is_first = |(index, entry): &(usize, &Entry)| {
        let key = &entry.key;
        !entries[..*index].iter().any(|earlier| earlier.key == *key)
    };
    entries
        .iter()
        .enumerate()
        .filter(is_first)
        .map(|(_, entry)| entry)
}
