//! How many devices a bad firmware can harm before the criteria of a plan stop it.
//!
//! Two firmwares are imagined, and both numbers are upper bounds:
//!
//! - **Every device fails**, in the way that is noticed last. Every device comes as soon as it is offered
//!   the update, falls silent, and counts as failed when `device_timeout` is over, and its retries with
//!   their waits, all kinds together. Every device offered the update until then is harmed. With `k` the
//!   failures at which a stop is certain:
//!   - `max_in_flight` lets at most `max_in_flight + k - 1` devices of the wave be offered the update: when
//!     failure `k` becomes known, at most `max_in_flight` devices were under way and `k - 1` through.
//!     `blast_radius` limits the same way.
//!   - A rate lets `k - 1` devices be offered it before the one whose failure stops the rollout, and
//!     those of the minutes in which that failure is unknown, the first and the last one included.
//!   - Without either, and where all filled slots switch at once, it is the whole wave.
//! - **A hidden defect** hits just as many devices of each wave as stop nothing.
//!
//! Of a wave of `n` devices, `k` follows from `judgement`: by threshold one more than the limit allows of
//! `n`; sequential as many as reach the boundary when they come first. `failure_limits` lower it only when
//! every kind of failure to update has one, because a firmware can fail in the way that has none. They
//! then allow together what each allows alone.
//!
//! The hidden number is `k - 1` by threshold. Sequential it is the largest that does not reach the
//! boundary among all `n` devices, not the largest that passes: a wave may pass on its first devices, and
//! what fails later has to reach the boundary. Where evidence is carried on from an inconclusive wave
//! and the limit is above 40 %, roundings of several waves can add up to a device more for each.
//!
//! Closed windows and `failure_domain` can only lower the numbers and are left out; so is the freeze on
//! doubt, and people who decide.

use serde::Serialize;

use super::span::{Devices, Span};
use crate::device::FailureKind;
use crate::judge::{Boundary, Verdict};
use crate::percent::Percent;
use crate::plan::{Judgement, OfflinePolicy, OnInconclusive, Plan};

/// How much harm is possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Harm {
    /// Most devices that take the update before the rollout stops when every one of them fails.
    pub all_fail: u64,
    /// Most devices that can fail in the whole rollout without a stop.
    pub hidden: u64,
    /// Most devices that can come so late that waves pass without them; failures of theirs stop none.
    pub late: u64,
    /// The same in words, with the reasons.
    pub explanation: String,
}

/// The most that a plan with waves of these sizes can harm.
#[must_use]
pub fn harm(plan: &Plan, sizes: &[u64]) -> Harm {
    let limits = Limits::of(plan);
    let total = sizes
        .iter()
        .fold(0, |sum: u64, size| sum.saturating_add(*size));
    let hidden = sizes.iter().fold(0, |sum: u64, size| {
        sum.saturating_add(limits.unnoticed_in(*size))
    });
    let late = sizes
        .iter()
        .fold(0, |sum: u64, size| sum.saturating_add(late_in(plan, *size)));
    let stop = limits.stop(sizes);
    let all_fail = stop.as_ref().map_or(total, |stop| stop.harmed);
    let mut explanation = stop.map_or_else(
        || format!("nothing stops this rollout by itself: if every device fails, all {total} do"),
        |stop| stop.explanation(&limits),
    );
    explanation += &format!(
        "; a rarer defect can hit {} without a stop",
        Devices(hidden)
    );
    if late > 0 {
        explanation += &format!(
            "; {} can come so late that their waves pass without them",
            Devices(late)
        );
    }
    Harm {
        all_fail,
        hidden,
        late,
        explanation,
    }
}

/// Most devices of a wave that it passes without.
fn late_in(plan: &Plan, size: u64) -> u64 {
    match (plan.offline_policy, plan.on_inconclusive) {
        (OfflinePolicy::Wait | OfflinePolicy::Skip, _) => 0,
        (OfflinePolicy::Late, OnInconclusive::Continue) => size,
        (OfflinePolicy::Late, OnInconclusive::Pause | OnInconclusive::Rollback) => {
            let wanted = plan.rollback_criteria.min_judged.of(size).max(1);
            size.saturating_sub(wanted)
        }
    }
}

/// What stops a rollout.
struct Limits<'a> {
    plan: &'a Plan,
    boundary: Option<Boundary>,
}

/// Where a rollout stops in which every device fails.
struct Stop {
    /// Counted from 0.
    wave: usize,
    /// Failures that make it certain; none when the wave ends without a verdict.
    failures: Option<u64>,
    /// Devices that took the update, in all waves.
    harmed: u64,
    /// Devices of the wave that took it.
    of_wave: u64,
    size: u64,
}

impl<'a> Limits<'a> {
    fn of(plan: &'a Plan) -> Self {
        let criteria = &plan.rollback_criteria;
        let boundary = match criteria.judgement {
            Judgement::Threshold => None,
            Judgement::Sequential => criteria.max_failure_rate.and_then(Boundary::new),
        };
        Self { plan, boundary }
    }

    /// Most failures of a wave that stop nothing.
    fn unnoticed_in(&self, size: u64) -> u64 {
        let criteria = &self.plan.rollback_criteria;
        let of_all = match (&self.boundary, criteria.max_failure_rate) {
            (Some(boundary), Some(limit)) => {
                let continued = carries_on(self.plan) && limit > Percent::whole(40);
                below_boundary(boundary, size).saturating_add(u64::from(continued))
            }
            (None, Some(limit)) => limit.at_most(size),
            (_, None) => size,
        };
        of_all.min(self.unnoticed_kinds_in(size)).min(size)
    }

    /// Most failures of a wave within the limits of single kinds; kinds without one have no bound.
    fn unnoticed_kinds_in(&self, size: u64) -> u64 {
        let limits = &self.plan.rollback_criteria.failure_limits;
        update_failures().fold(0, |sum: u64, kind| {
            let most = limits.get(&kind).map_or(size, |limit| {
                let counted = limit.min_count.saturating_sub(1);
                limit.max_rate.at_most(size).max(counted)
            });
            sum.saturating_add(most)
        })
    }

    /// Failures that stop a wave for certain when every device fails, after so many that were carried on
    /// to it; none when there are not so many devices.
    fn certain_in(&self, size: u64, carried: u64) -> Option<u64> {
        let limit = self.plan.rollback_criteria.max_failure_rate;
        let of_all = match (&self.boundary, limit) {
            (Some(boundary), _) => boundary.fewest_failures().saturating_sub(carried).max(1),
            (None, Some(limit)) => limit.at_most(size).saturating_add(1),
            (None, None) => u64::MAX,
        };
        let of_kinds = self.unnoticed_kinds_in(size).saturating_add(1);
        Some(of_all.min(of_kinds)).filter(|failures| *failures <= size)
    }

    /// Where a rollout stops in which every device fails; none when it runs to its end.
    fn stop(&self, sizes: &[u64]) -> Option<Stop> {
        let (mut before, mut carried): (u64, u64) = (0, 0);
        for (wave, &size) in sizes.iter().enumerate() {
            let failures = self.certain_in(size, carried);
            let waits = self.boundary.is_some() && !carries_on(self.plan);
            if failures.is_some() || waits {
                let of_wave = failures.map_or(size, |k| self.offered_until(k, size, before));
                return Some(Stop {
                    wave,
                    failures,
                    harmed: before.saturating_add(of_wave),
                    of_wave,
                    size,
                });
            }
            carried = carried.saturating_add(size);
            before = before.saturating_add(size);
        }
        None
    }

    /// Devices of a wave that are offered the update until so many failures of it are known.
    fn offered_until(&self, failures: u64, size: u64, before: u64) -> u64 {
        if self.plan.strategy.stages() {
            return size;
        }
        let others = failures - 1;
        let by_flight = self
            .most_under_way()
            .map_or(size, |most| most.saturating_add(others));
        by_flight
            .min(size)
            .min(self.offered_at_rate(others, size, before))
    }

    fn most_under_way(&self) -> Option<u64> {
        let limits = [self.plan.pace.max_in_flight, self.plan.blast_radius];
        limits.into_iter().flatten().min()
    }

    /// Devices of a wave that a rate lets go while the decisive failure is unknown, and `others` before.
    fn offered_at_rate(&self, others: u64, size: u64, before: u64) -> u64 {
        let Some(rate) = &self.plan.pace.rate else {
            return size;
        };
        let minutes = self.unknown_for() / 60 + 1;
        if rate.growth.is_none() {
            return others.saturating_add(rate.per_minute.saturating_mul(minutes));
        }
        let mut offered = others;
        for _ in 0..minutes {
            let mut in_minute = 0;
            // The rate may grow with the very offers that it allowed.
            loop {
                let allowed = rate.at(before.saturating_add(offered), 0).max(1);
                let more = allowed.saturating_sub(in_minute);
                offered = offered.saturating_add(more);
                in_minute = allowed;
                if offered >= size {
                    return size;
                }
                if more == 0 {
                    break;
                }
            }
        }
        offered
    }

    /// Seconds until a failure counts for certain, counted from when the device came.
    fn unknown_for(&self) -> u64 {
        let timeout = u64::from(self.plan.device_timeout.0);
        let retries = update_failures().filter_map(|kind| self.plan.retries.get(&kind));
        retries.fold(timeout, |sum, retry| {
            let waits = (1..=retry.times).filter_map(|failed| retry.wait_after(failed));
            waits.fold(sum, |sum, wait| {
                sum.saturating_add(u64::from(wait.0))
                    .saturating_add(timeout)
            })
        })
    }
}

impl Stop {
    fn explanation(&self, limits: &Limits<'_>) -> String {
        let wave = self.wave + 1;
        let harmed = Devices(self.harmed);
        let Some(failures) = self.failures else {
            return format!(
                "if every device fails, {harmed} take the update: wave {wave} ends without a verdict and nothing goes on by itself"
            );
        };
        let s = if failures == 1 { " stops" } else { "s stop" };
        let mut text = format!(
            "if every device fails, {harmed} take the update before the rollout stops: {failures} failure{s} it in wave {wave}"
        );
        if limits.plan.strategy.stages() {
            text += ", whose devices all switch at once";
        } else if self.of_wave >= self.size {
            text += ", which is released as a whole before so many are known";
        } else {
            let unknown = Span(limits.unknown_for());
            text += &format!(
                ", a failure may stay unknown for {unknown}, and the pace lets {} of the {} be offered it until then",
                self.of_wave, self.size
            );
        }
        text
    }
}

/// Whether a wave without a verdict lets the next one come, with what is known carried on to it.
const fn carries_on(plan: &Plan) -> bool {
    match plan.on_inconclusive {
        OnInconclusive::Continue => true,
        OnInconclusive::Pause | OnInconclusive::Rollback => false,
    }
}

/// The largest number of failures among so many devices that does not roll back.
fn below_boundary(boundary: &Boundary, size: u64) -> u64 {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if boundary.verdict(middle, size) == Some(Verdict::Fail) {
            high = middle - 1;
        } else {
            low = middle;
        }
    }
    low
}

fn update_failures() -> impl Iterator<Item = FailureKind> {
    FailureKind::ALL.into_iter().filter(|kind| kind.of_update())
}

#[cfg(test)]
mod tests;
