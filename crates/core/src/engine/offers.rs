//! How many further devices may be offered the update at this moment, and why no more.

use super::hold::Hold;
use super::offer_log::{Line, Mark};
use super::{Census, Rollout, Surroundings};
use crate::Timestamp;
use crate::calendar::WindowTimezone;
use crate::device::{Class, DeviceStatus};
use crate::ids::WaveIndex;
use crate::judge::{Numbers, in_doubt};
use crate::plan::Rate;
use crate::seconds::Seconds;

/// The span that a rate is held over.
pub(super) const MINUTE: Seconds = Seconds(60);
/// A rate is spread over its minute in this many portions.
const PORTIONS: u64 = 12;
const PORTION: Seconds = Seconds(5);

/// How many devices may be offered the update now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// So many.
    pub(super) at_most: u64,
    /// Only those of these zones; of any when absent.
    pub(super) zones: Option<Vec<String>>,
}

/// What is to be offered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// Open a wave of this size.
    Open { devices: u64 },
    /// Go on with the waves that are open.
    GoOn { wave: WaveIndex },
    /// Let devices that came late or joined have it.
    Stragglers { joined: bool },
    /// Let devices switch to the slot that they filled.
    Switch { wave: WaveIndex },
}

impl Wish {
    pub(super) const fn line(self) -> Line {
        match self {
            Self::Open { .. } | Self::GoOn { .. } => Line::Waves,
            Self::Stragglers { .. } => Line::Stragglers,
            Self::Switch { .. } => Line::Switch,
        }
    }
}

impl Rollout {
    /// What room there is for a wish, or what holds it up.
    pub(super) fn room(
        &self,
        wish: Wish,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Result<Room, Hold> {
        if let Some(freeze) = around.freeze_in_force(now) {
            return Err(Hold::Freeze(freeze.clone()));
        }
        let zones = self.open_zones(census, now)?;
        let free = self
            .free_blast_radius(wish, census, around)?
            .min(self.free_in_flight(census)?)
            .min(self.free_rate(census, now)?);
        self.beyond_doubt(wish, census)?;
        self.not_in_vain(wish, census, zones.as_deref(), now)?;
        Ok(Room {
            at_most: free,
            zones,
        })
    }

    /// Devices that wait for what is wished.
    pub(super) fn waiting(&self, wish: Wish, census: &Census) -> u64 {
        let opened =
            |wave: WaveIndex| &census.waves[..=wave.position().min(census.waves.len() - 1)];
        match wish {
            Wish::Open { devices } => devices,
            Wish::GoOn { wave } => opened(wave)
                .iter()
                .map(|tally| tally.of(Class::OnTime, DeviceStatus::Pending))
                .sum(),
            Wish::Switch { wave } => opened(wave)
                .iter()
                .map(|tally| tally.count(DeviceStatus::Verifying))
                .sum(),
            Wish::Stragglers { joined } => {
                let arrived = census.of(Class::Arrived, DeviceStatus::Pending);
                let also = if joined {
                    census.of(Class::Joined, DeviceStatus::Pending)
                } else {
                    0
                };
                arrived + also
            }
        }
    }

    /// The zones whose window is open; none where windows are not in the devices' own zones.
    fn open_zones(&self, census: &Census, now: Timestamp) -> Result<Option<Vec<String>>, Hold> {
        let calendar = &self.order.calendar;
        if calendar.windows.is_empty() || self.order.emergency {
            return Ok(None);
        }
        let opening = |zone| calendar.opens_at(now, zone);
        match calendar.window_timezone {
            WindowTimezone::Environment => match opening(None) {
                Some(at) if at <= now => Ok(None),
                opens_at => Err(Hold::Window { opens_at }),
            },
            WindowTimezone::Device => {
                let zones = census.zones.iter();
                let open: Vec<String> = zones
                    .filter(|zone| calendar.is_open(now, named(zone)))
                    .cloned()
                    .collect();
                if open.is_empty() {
                    let openings = census.zones.iter().filter_map(|zone| opening(named(zone)));
                    return Err(Hold::Window {
                        opens_at: openings.min(),
                    });
                }
                Ok(Some(open))
            }
        }
    }

    /// When the window of some zone changes next, where devices wait for their own.
    pub(super) fn next_zone_change(&self, census: &Census, now: Timestamp) -> Option<Timestamp> {
        let calendar = &self.order.calendar;
        if calendar.window_timezone == WindowTimezone::Environment || calendar.windows.is_empty() {
            return None;
        }
        let zones = census.zones.iter();
        zones
            .filter(|zone| !calendar.is_open(now, named(zone)))
            .filter_map(|zone| calendar.opens_at(now, named(zone)))
            .min()
    }

    /// Devices that run the update, or may yet take it, in waves that have not passed.
    #[must_use]
    pub fn unproven(&self, census: &Census) -> u64 {
        let each = self.waves.iter().zip(&census.waves);
        each.map(|(wave, tally)| {
            let open = wave.released_at.is_some() && !wave.is_behind();
            let waiting = tally.under_way_late();
            waiting
                + if open {
                    tally.exposed()
                } else {
                    tally.awaited()
                }
        })
        .sum()
    }

    fn free_blast_radius(
        &self,
        wish: Wish,
        census: &Census,
        around: &Surroundings,
    ) -> Result<u64, Hold> {
        let wanted = match wish {
            Wish::Open { devices } => devices,
            Wish::Stragglers { .. } => 1,
            Wish::GoOn { .. } | Wish::Switch { .. } => return Ok(u64::MAX),
        };
        let Some(limit) = self.order.blast_radius else {
            return Ok(u64::MAX);
        };
        let unproven = around.unproven_elsewhere + self.unproven(census);
        let free = limit.saturating_sub(unproven);
        if free < wanted {
            return Err(Hold::BlastRadius {
                limit,
                unproven,
                wanted,
            });
        }
        Ok(free)
    }

    /// With the sequential test, nobody is handed an update that the devices so far speak against.
    fn beyond_doubt(&self, wish: Wish, census: &Census) -> Result<(), Hold> {
        let Some(boundary) = &self.order.boundary else {
            return Ok(());
        };
        let (numbers, carried) = match wish {
            Wish::Open { .. } => return Ok(()),
            Wish::GoOn { wave } | Wish::Switch { wave } => {
                (self.numbers(wave, census), self.carried(wave, census))
            }
            Wish::Stragglers { .. } => (census.stragglers(), Numbers::default()),
        };
        if in_doubt(&numbers, &carried, boundary) {
            return Err(Hold::Doubt {
                numbers: numbers + carried,
            });
        }
        Ok(())
    }

    fn free_in_flight(&self, census: &Census) -> Result<u64, Hold> {
        let Some(limit) = self.order.pace.max_in_flight else {
            return Ok(u64::MAX);
        };
        let in_flight = census.under_way();
        match limit.saturating_sub(in_flight) {
            0 => Err(Hold::InFlight { limit, in_flight }),
            free => Ok(free),
        }
    }

    fn free_rate(&self, census: &Census, now: Timestamp) -> Result<u64, Hold> {
        let Some(rate) = &self.order.pace.rate else {
            return Ok(u64::MAX);
        };
        let per_minute = per_minute(rate, census);
        // A clock that was set back must not stop the rollout: what lies ahead counts as now.
        let marks = self.offers.marks.iter().map(|mark| Mark {
            at: mark.at.min(now),
            ..*mark
        });
        let recent: Vec<Mark> = marks.filter(|mark| MINUTE.after(mark.at) > now).collect();
        let used = recent
            .first()
            .map_or(0, |first| census.offers.saturating_sub(first.offers));
        let held = |next_at| {
            Err(Hold::Rate {
                per_minute,
                next_at,
            })
        };
        if let Some(last) = recent.last().filter(|last| PORTION.after(last.at) > now) {
            return held(PORTION.after(last.at));
        }
        match per_minute.saturating_sub(used) {
            0 => held(recent.first().map_or(now, |first| MINUTE.after(first.at))),
            free => Ok(free.min(per_minute.div_ceil(PORTIONS))),
        }
    }
}

fn per_minute(rate: &Rate, census: &Census) -> u64 {
    rate.at(census.offers, census.count(DeviceStatus::Succeeded))
}

fn named(zone: &str) -> Option<&str> {
    (!zone.is_empty()).then_some(zone)
}
