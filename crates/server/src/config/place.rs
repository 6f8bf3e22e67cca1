//! Where a value stands: the path of keys that leads to it, and the line and column it has in the file.

use std::collections::BTreeMap;
use std::fmt;

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The path of keys and list positions from the root of the file to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Item(usize),
}

/// The marks of every value of a file.
#[derive(Debug, Default)]
pub(crate) struct Marks(BTreeMap<Place, Mark>);

impl Mark {
    /// The beginning of a file.
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl Place {
    /// The file as a whole.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// The value under `key` of the mapping at this place.
    pub(crate) fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// Entry `index`, counted from 0, of the list at this place.
    pub(crate) fn item(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Item(index));
        Self(steps)
    }

    fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Key(key) if !is_plain(key) => write!(f, "[{key:?}]")?,
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl Marks {
    /// Notes where `place` is; the first note of a place stays.
    pub(crate) fn note(&mut self, place: Place, mark: Mark) {
        self.0.entry(place).or_insert(mark);
    }

    /// Whether the file has a value at `place`.
    pub(crate) fn has(&self, place: &Place) -> bool {
        self.0.contains_key(place)
    }

    /// The mark of `place`, or of the nearest value around it that the file has.
    pub(crate) fn of(&self, place: &Place) -> Mark {
        let mut place = Some(place.clone());
        while let Some(current) = place {
            if let Some(mark) = self.0.get(&current) {
                return *mark;
            }
            place = current.parent();
        }
        Mark::START
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
