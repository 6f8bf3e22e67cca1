//! What is remembered of past offers: for the rate, and to know when another try would be in vain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::offers::{MINUTE, Wish};
use super::{Census, Phase, Rollout};
use crate::Timestamp;
use crate::calendar::WindowTimezone;
use crate::device::DeviceStatus;

/// What is remembered of past offers, so that limits hold exactly, also across restarts.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfferLog {
    /// When devices were offered the update in the last minute, where a rate limits it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) marks: Vec<Mark>,
    /// The last tries, which may have found nobody to offer it to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tried: BTreeMap<Line, Tried>,
}

/// Those who wait in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Waves,
    Stragglers,
    Switch,
}

/// How many offers had been made before those of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) at: Timestamp,
    pub(super) offers: u64,
}

/// What the counts were when devices were offered the update last. While they are the same, there is
/// nobody else to offer it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tried {
    at: Timestamp,
    offers: u64,
    under_way: u64,
    waiting: u64,
    /// Devices that took it, failed or were given up. Without it, one that was corrected late and one
    /// that came instead of it would go unnoticed.
    #[serde(default)]
    through: u64,
    /// The zones that were open, where devices have windows of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    zones: Vec<String>,
    /// The zones that were open in this try or in one before it with the same counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    zones_tried: Vec<String>,
}

impl OfferLog {
    /// Other devices may be offered it now than those that were tried.
    pub(super) fn forget_tries(&mut self) {
        self.tried.clear();
    }
}

impl Tried {
    const fn has_counts_of(&self, other: &Self) -> bool {
        self.offers == other.offers
            && self.under_way == other.under_way
            && self.waiting == other.waiting
            && self.through == other.through
    }
}

impl Rollout {
    /// Holds while the last try found nobody else and nothing has changed since.
    pub(super) fn not_in_vain(
        &self,
        wish: Wish,
        census: &Census,
        zones: Option<&[String]>,
        now: Timestamp,
    ) -> Result<(), Hold> {
        let Some(tried) = self.offers.tried.get(&wish.line()) else {
            return Ok(());
        };
        // These bring further devices by themselves.
        if matches!(wish, Wish::Open { .. }) || matches!(self.phase, Phase::Verifying { .. }) {
            return Ok(());
        }
        let again = self.attempt(wish, census, zones, now);
        let same = tried.has_counts_of(&again) && tried.zones == again.zones;
        let retry_due = |at| at <= now && at > tried.at;
        if !same || census.next_retry.is_some_and(retry_due) {
            return Ok(());
        }
        Err(Hold::Spread {
            waiting: tried.waiting,
            next_at: census.next_retry.filter(|at| *at > now),
        })
    }

    /// Remembers that devices are offered the update now.
    pub(super) fn note_offer(
        &mut self,
        wish: Wish,
        census: &Census,
        zones: Option<&[String]>,
        now: Timestamp,
    ) {
        let mut tried = self.attempt(wish, census, zones, now);
        let retry_due = census.next_retry.is_some_and(|at| at <= now);
        if let Some(before) = self.offers.tried.remove(&wish.line())
            && before.has_counts_of(&tried)
            && !retry_due
        {
            let closed = |zone: &String| !tried.zones.contains(zone);
            let others: Vec<_> = before.zones_tried.into_iter().filter(closed).collect();
            tried.zones_tried.extend(others);
        }
        self.offers.tried.insert(wish.line(), tried);
        if self.order.pace.rate.is_some() {
            self.offers.marks.retain(|mark| MINUTE.after(mark.at) > now);
            self.offers.marks.push(Mark {
                at: now,
                offers: census.offers,
            });
        }
    }

    /// The counts that tell whether a try would find the same devices again.
    fn attempt(
        &self,
        wish: Wish,
        census: &Census,
        zones: Option<&[String]>,
        at: Timestamp,
    ) -> Tried {
        Tried {
            at,
            offers: census.offers,
            under_way: census.under_way(),
            waiting: self.waiting(wish, census),
            through: census.count(DeviceStatus::Succeeded)
                + census.count(DeviceStatus::Failed)
                + census.count(DeviceStatus::TimedOut),
            zones: zones.unwrap_or_default().to_vec(),
            zones_tried: zones.unwrap_or_default().to_vec(),
        }
    }

    /// Whether devices of every zone were tried since the counts changed last, so that nobody is left
    /// out for the hour.
    pub(super) fn all_zones_tried(&self, census: &Census) -> bool {
        let order = &self.order;
        let own_windows = order.calendar.window_timezone == WindowTimezone::Device;
        if order.emergency || order.calendar.windows.is_empty() || !own_windows {
            return true;
        }
        let tried = self.offers.tried.get(&Line::Waves);
        let was_tried = |zone| tried.is_some_and(|tried| tried.zones_tried.contains(zone));
        census.zones.iter().all(was_tried)
    }
}
