//! Devices that wait in a line, of whom not everybody may go at once. Who may not is set aside by what
//! it waits for, and keeps its place, so that nobody is asked again and again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

/// What keeps a device from its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Obstacle {
    /// Nothing any more: it had to wait for a retry.
    Gone,
    /// Others of its place are under way.
    Domain(u32),
    /// The window of its zone is closed.
    Zone(u16),
    /// It can't fill a slot without switching to it.
    CannotStage,
    /// It joined, and those are not wanted yet.
    Joined,
}

/// Whether a device may go.
pub(super) enum Turn {
    /// It may.
    Yes,
    /// It is in the line no longer.
    Left,
    /// It may not.
    No(Obstacle),
}

/// A place in the line: its number, and the device.
type Place = (u32, u32);

/// A line of devices, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    next: u32,
    unasked: VecDeque<Place>,
    aside: BTreeMap<Obstacle, BinaryHeap<Reverse<Place>>>,
    /// The first of those aside whose obstacle may be gone.
    hopeful: BTreeSet<(Place, Obstacle)>,
    /// Devices that wait for a retry, with their numbers.
    retries: BTreeMap<u32, u32>,
}

impl Line {
    /// A device comes to the end of the line.
    pub(super) fn push(&mut self, device: u32) {
        let place = (self.number(), device);
        self.unasked.push_back(place);
    }

    /// The same, but it is not asked before [`Self::is_due`].
    pub(super) fn push_until_due(&mut self, device: u32) {
        let number = self.number();
        self.retries.insert(device, number);
    }

    /// The device's wait for a retry is over.
    pub(super) fn is_due(&mut self, device: u32) {
        if let Some(number) = self.retries.remove(&device) {
            self.set_aside((number, device), Obstacle::Gone);
            self.hope(Obstacle::Gone);
        }
    }

    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next += 1;
        number
    }

    fn set_aside(&mut self, place: Place, obstacle: Obstacle) {
        self.aside.entry(obstacle).or_default().push(Reverse(place));
    }

    /// What keeps devices aside may be gone; says whether it keeps any.
    pub(super) fn hope(&mut self, obstacle: Obstacle) -> bool {
        let first = self.aside.get(&obstacle).and_then(|aside| aside.peek());
        if let Some(Reverse(place)) = first {
            self.hopeful.insert((*place, obstacle));
        }
        first.is_some()
    }

    /// The windows of some zones opened.
    pub(super) fn hope_for_zones(&mut self, is_open: impl Fn(u16) -> bool) {
        let zones = self.aside.keys().filter(|obstacle| match obstacle {
            Obstacle::Zone(zone) => is_open(*zone),
            Obstacle::Gone | Obstacle::Domain(_) | Obstacle::CannotStage | Obstacle::Joined => {
                false
            }
        });
        for obstacle in zones.copied().collect::<Vec<_>>() {
            self.hope(obstacle);
        }
    }

    /// The first device that may go; it leaves the line.
    pub(super) fn take(&mut self, mut ask: impl FnMut(u32) -> Turn) -> Option<u32> {
        loop {
            let unasked = self.unasked.front().copied();
            match self.hopeful.first().copied() {
                Some((place, obstacle)) if unasked.is_none_or(|other| place < other) => {
                    if let Some(device) = self.ask_aside(place, obstacle, &mut ask) {
                        return Some(device);
                    }
                }
                Some(_) | None => {
                    let place = self.unasked.pop_front()?;
                    match ask(place.1) {
                        Turn::Yes => return Some(place.1),
                        Turn::Left => {}
                        Turn::No(obstacle) => self.set_aside(place, obstacle),
                    }
                }
            }
        }
    }

    fn ask_aside(
        &mut self,
        place: Place,
        obstacle: Obstacle,
        ask: &mut impl FnMut(u32) -> Turn,
    ) -> Option<u32> {
        self.hopeful.remove(&(place, obstacle));
        let aside = self.aside.get_mut(&obstacle)?;
        if aside.peek() != Some(&Reverse(place)) {
            return None;
        }
        let answer = ask(place.1);
        if matches!(answer, Turn::No(same) if same == obstacle) {
            return None;
        }
        aside.pop();
        self.hope(obstacle);
        match answer {
            Turn::Yes => Some(place.1),
            Turn::Left => None,
            Turn::No(other) => {
                self.set_aside(place, other);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &mut Line, ask: impl Fn(u32) -> Turn) -> Vec<u32> {
        std::iter::from_fn(|| line.take(&ask)).collect()
    }

    #[test]
    fn who_was_set_aside_keeps_its_place() {
        let mut line = Line::default();
        (0..6).for_each(|device| line.push(device));
        let even = |device| match device % 2 {
            0 => Turn::Yes,
            _ => Turn::No(Obstacle::Domain(7)),
        };
        assert_eq!(line.take(even), Some(0));
        assert_eq!(line.take(even), Some(2));
        line.hope(Obstacle::Domain(7));
        assert_eq!(all(&mut line, |_| Turn::Yes), [1, 3, 4, 5]);
    }

    #[test]
    fn without_hope_nobody_is_asked_again() {
        let mut line = Line::default();
        (0..3).for_each(|device| line.push(device));
        assert_eq!(line.take(|_| Turn::No(Obstacle::Joined)), None);
        assert_eq!(line.take(|_| panic!("asked again")), None);
        line.hope(Obstacle::Joined);
        assert_eq!(line.take(|_| Turn::No(Obstacle::Zone(1))), None);
        line.hope(Obstacle::Joined);
        line.hope_for_zones(|zone| zone == 1);
        assert_eq!(all(&mut line, |_| Turn::Yes), [0, 1, 2]);
    }

    #[test]
    fn a_retry_that_is_due_comes_before_those_behind_it() {
        let mut line = Line::default();
        line.push_until_due(5);
        line.push(6);
        line.push(7);
        assert_eq!(line.take(|_| Turn::Yes), Some(6));
        line.is_due(5);
        assert_eq!(all(&mut line, |_| Turn::Yes), [5, 7]);
    }
}
