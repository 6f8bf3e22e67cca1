//! The moments at which something is due of devices, by the second.

use std::collections::BTreeMap;

use crate::Timestamp;

/// A moment that may be set, a whole second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alarm(i64);

impl Alarm {
    pub(super) const NONE: Self = Self(i64::MAX);

    pub(super) fn at(moment: Timestamp) -> Self {
        Self(moment.as_second())
    }

    pub(super) fn moment(self) -> Option<Timestamp> {
        let second = (self != Self::NONE).then_some(self.0)?;
        Timestamp::from_second(second).ok()
    }
}

/// The moments at which something is due of devices, all of them whole seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Moments {
    seconds: BTreeMap<i64, Due>,
}

/// Devices at one second. Who went elsewhere since is still in the list, but not in the number.
#[derive(Clone, Debug, Default)]
struct Due {
    devices: Vec<u32>,
    number: u32,
}

impl Moments {
    /// Moves a device to another moment; says whether anything changed.
    pub(super) fn move_to(&mut self, device: u32, before: Alarm, after: Alarm) -> bool {
        if before == after {
            return false;
        }
        if before != Alarm::NONE {
            self.leave(before.0);
        }
        if after != Alarm::NONE {
            let due = self.seconds.entry(after.0).or_default();
            due.devices.push(device);
            due.number += 1;
        }
        true
    }

    fn leave(&mut self, second: i64) {
        if let Some(due) = self.seconds.get_mut(&second) {
            due.number -= 1;
            if due.number == 0 {
                self.seconds.remove(&second);
            }
        }
    }

    /// The first moment.
    pub(super) fn first(&self) -> Option<Timestamp> {
        let (second, _) = self.seconds.first_key_value()?;
        Alarm(*second).moment()
    }

    /// Devices of the first moment, if that has come, in their order; others may be among them, and
    /// those that moved are to be left alone.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Vec<u32>> {
        let first = self.seconds.first_entry()?;
        if *first.key() > now.as_second() {
            return None;
        }
        let mut devices = std::mem::take(&mut first.into_mut().devices);
        devices.sort_unstable();
        devices.dedup();
        Some(devices)
    }
}
