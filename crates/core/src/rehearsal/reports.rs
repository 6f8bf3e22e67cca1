//! Reports on their way, by the second: millions of them, taken in the order of their time, those of one
//! second in the order in which they were sent off.

use std::collections::{BTreeMap, VecDeque};

use crate::Timestamp;
use crate::device::Report;

/// A report on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) device: u32,
    pub(super) attempt: u16,
    pub(super) report: Report,
}

/// Reports on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports {
    /// By second; none of the lists is empty.
    seconds: BTreeMap<i64, VecDeque<Expected>>,
}

impl Reports {
    /// Expects a report at a moment, which is a whole second.
    pub(super) fn expect(&mut self, at: Timestamp, expected: Expected) {
        self.seconds
            .entry(at.as_second())
            .or_default()
            .push_back(expected);
    }

    /// When the next one comes.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        let (second, _) = self.seconds.first_key_value()?;
        Timestamp::from_second(*second).ok()
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Option<Expected> {
        let mut first = self.seconds.first_entry()?;
        let expected = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        expected
    }
}
