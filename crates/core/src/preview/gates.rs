//! The devices of a wave by time zone, and when those of each may be released.

use crate::Timestamp;
use crate::calendar::WindowTimezone;

use super::Circumstances;

/// The zones that devices are in.
pub(super) struct Gates<'a> {
    circumstances: &'a Circumstances<'a>,
    /// Windows do not hold for the plan; freezes do.
    no_windows: bool,
    gates: Vec<Gate<'a>>,
    /// The second at which one of them opens or closes next.
    next_change: Option<i64>,
}

/// One zone.
struct Gate<'a> {
    zone: Option<&'a str>,
    share: u64,
    open: bool,
    changes: Option<i64>,
    waiting: u64,
}

impl<'a> Gates<'a> {
    pub(super) fn new(circumstances: &'a Circumstances<'a>, no_windows: bool, now: i64) -> Self {
        let gate = |zone, share| Gate {
            zone,
            share,
            open: false,
            changes: Some(now),
            waiting: 0,
        };
        let own_zones = match circumstances.calendar.window_timezone {
            WindowTimezone::Environment => &[],
            WindowTimezone::Device => circumstances.zones,
        };
        let mut gates: Vec<_> = own_zones
            .iter()
            .filter(|(_, devices)| *devices > 0)
            .map(|(zone, devices)| gate(zone.as_deref(), *devices))
            .collect();
        if gates.is_empty() || no_windows {
            gates = vec![gate(None, 1)];
        }
        let mut gates = Self {
            circumstances,
            no_windows,
            gates,
            next_change: Some(now),
        };
        gates.look(now);
        gates
    }

    /// Has so many devices wait, divided among the zones as all devices are.
    pub(super) fn wait_for(&mut self, devices: u64) {
        let total: u128 = self.gates.iter().map(|gate| u128::from(gate.share)).sum();
        let (mut shares, mut placed) = (0, 0);
        for gate in &mut self.gates {
            shares += u128::from(gate.share);
            let until = (u128::from(devices) * shares / total.max(1)) as u64;
            gate.waiting = until - placed;
            placed = until;
        }
    }

    /// Releases up to so many waiting devices where it is open; how many it were.
    pub(super) fn release(&mut self, most: u64) -> u64 {
        let mut left = most;
        for gate in self.gates.iter_mut().filter(|gate| gate.open) {
            let now = gate.waiting.min(left);
            gate.waiting -= now;
            left -= now;
            if left == 0 {
                break;
            }
        }
        most - left
    }

    /// Whether a device waits where it is open.
    pub(super) fn any_ready(&self) -> bool {
        self.gates.iter().any(|gate| gate.open && gate.waiting > 0)
    }

    /// The second at which a zone opens or closes next.
    pub(super) const fn next_change(&self) -> Option<i64> {
        self.next_change
    }

    /// Brings every zone to this second.
    pub(super) fn look(&mut self, now: i64) {
        if self.next_change.is_none_or(|change| change > now) {
            return;
        }
        let at = Timestamp::from_second(now).unwrap_or(Timestamp::MAX);
        for index in 0..self.gates.len() {
            if self.gates[index]
                .changes
                .is_some_and(|change| change <= now)
            {
                let zone = self.gates[index].zone;
                self.gates[index].open = self.is_open(at, zone);
                self.gates[index].changes = self.change_after(at, zone).map(whole_second);
            }
        }
        self.next_change = self.gates.iter().filter_map(|gate| gate.changes).min();
    }

    fn is_open(&self, at: Timestamp, zone: Option<&str>) -> bool {
        let frozen = self.circumstances.freezes.iter().any(|it| it.covers(at));
        !frozen && (self.no_windows || self.circumstances.calendar.is_open(at, zone))
    }

    fn change_after(&self, at: Timestamp, zone: Option<&str>) -> Option<Timestamp> {
        let windows = if self.no_windows {
            None
        } else {
            self.circumstances.calendar.changes_after(at, zone)
        };
        let freezes = self.circumstances.freezes.iter();
        freezes
            .filter_map(|freeze| freeze.changes_after(at))
            .chain(windows)
            .min()
    }
}

/// The first whole second that is not before a moment.
pub(super) fn whole_second(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}
