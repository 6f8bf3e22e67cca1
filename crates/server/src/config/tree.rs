//! A YAML file as a tree of values that know their line and column. Parsing only: what the values mean, and whether
//! they are allowed, is decided by `shape` and by each topic.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{
    DefaultMessageFormatter, DuplicateKeyPolicy, Location, MessageFormatter, NonFiniteFloatPolicy,
    Spanned,
};

use super::place::{Mark, Place};
use super::report::Report;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) mark: Mark,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Nothing,
    Bool(bool),
    Number(Number),
    Text { text: String, origin: Origin },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_mark: Mark,
    pub(crate) node: Node,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It stands in the file.
    Written,
    /// Parts of it came from outside the file and must not be shown.
    Interpolated,
    /// A part of it could not be found; that is reported already.
    Unresolved,
}

impl Node {
    /// The entries of a mapping; none for any other value.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value {
            entries
        } else {
            &[]
        }
    }

    /// The items of a list; none for any other value.
    pub(crate) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value {
            items
        } else {
            &[]
        }
    }
}

/// Parses `text` and notes the mark of every value in `report`. A file that is no YAML gives `None` and one problem; a
/// key that is given twice is a problem too.
pub(crate) fn parse(text: &str, report: &mut Report<'_>) -> Option<Node> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Node>(text, options) {
        Ok(root) => {
            note_marks(&root, &Place::root(), report);
            Some(root)
        }
        Err(error) => {
            let mark = error.location().map_or(Mark::START, mark_of);
            let message = DefaultMessageFormatter.format_message(error.without_snippet());
            let message = format!("is not valid YAML: {}", message.escape_debug());
            report.refuse_at(mark, &Place::root(), message, None);
            None
        }
    }
}

fn note_marks(node: &Node, place: &Place, report: &mut Report<'_>) {
    for (index, item) in node.items().iter().enumerate() {
        let place = place.item(index);
        report.marks.note(place.clone(), item.mark);
        note_marks(item, &place, report);
    }
    for (index, entry) in node.entries().iter().enumerate() {
        let place = place.key(&entry.key);
        if let Some(first) = node.entries()[..index]
            .iter()
            .find(|other| other.key == entry.key)
        {
            let line = first.key_mark.line;
            let message = format!("is given twice, first on line {line}; keep one of them");
            report.refuse_at(entry.key_mark, &place, message, None);
            continue;
        }
        let mark = match &entry.node.value {
            Value::Map(_) | Value::List(_) | Value::Nothing => entry.key_mark,
            Value::Bool(_) | Value::Number(_) | Value::Text { .. } => entry.node.mark,
        };
        report.marks.note(place.clone(), mark);
        note_marks(&entry.node, &place, report);
    }
}

fn mark_of(location: Location) -> Mark {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).max(1);
    Mark {
        line: count(location.line()),
        column: count(location.column()),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            value: spanned.value,
            mark: mark_of(spanned.referenced),
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number must be finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        let origin = Origin::Written;
        Ok(Value::Text { text, origin })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
            entries.push(Entry {
                key: key.value,
                key_mark: mark_of(key.referenced),
                node,
            });
        }
        Ok(Value::Map(entries))
    }
}
