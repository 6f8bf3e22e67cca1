//! What the author of a plan may not have meant: one sentence each, with what to do. None of it keeps a
//! plan from being executed; what does is in the plan's own rules.

use super::Timetable;
use super::span::{Devices, Span};
use crate::judge::{Boundary, chance_to_show, clean_devices_to_show};
use crate::percent::Percent;
use crate::plan::{Judgement, OfflinePolicy, Plan, Strategy};

/// With this chance a wave is to show a defect at the limit, or it is called small.
const SHOWN: f64 = 0.95;

/// A rollout whose rate alone makes it longer is called slow.
const SLOW: u64 = 30 * 86_400;

/// What is odd about a plan with waves of these sizes and this timetable.
#[must_use]
pub fn warnings(plan: &Plan, sizes: &[u64], timetable: &Timetable) -> Vec<String> {
    let found = [
        no_limit(plan),
        small_wave(plan, sizes),
        single_failure(plan, sizes),
        single_failure_of_a_kind(plan, sizes),
        min_judged(plan),
        blast_radius(plan, sizes),
        in_flight_without_effect(plan, sizes),
        slow_rate(plan, sizes),
        timeouts(plan),
        endless(timetable),
        too_long(plan, timetable),
        dynamic_at_once(plan),
    ];
    found
        .into_iter()
        .flatten()
        .chain(long_retries(plan))
        .collect()
}

fn no_limit(plan: &Plan) -> Option<String> {
    let criteria = &plan.rollback_criteria;
    if criteria.max_failure_rate.is_some() {
        return None;
    }
    Some(if criteria.failure_limits.is_empty() {
        "no max_failure_rate: no number of failures stops this rollout by itself; set one"
            .to_owned()
    } else {
        "no max_failure_rate: only the kinds of failure in failure_limits stop this rollout; set one for all of them"
            .to_owned()
    })
}

/// The first wave that is too small to tell a firmware at the limit from a sound one.
fn small_wave(plan: &Plan, sizes: &[u64]) -> Option<String> {
    let limit = plan.rollback_criteria.max_failure_rate?;
    if limit == Percent::default() || limit == Percent::HUNDRED {
        return None;
    }
    if let Some(boundary) = boundary(plan) {
        let needed = boundary.passes_from(0);
        let (wave, size) = first(sizes, |size| size < needed)?;
        let unnoticed = unnoticed(limit, size);
        return Some(format!(
            "wave {wave} has {}: {unnoticed}, and sequential judgement needs at least {needed} clean devices to pass; make it larger or use judgement: threshold",
            Devices(size)
        ));
    }
    // The last wave has nobody left to protect.
    let (_, before_others) = sizes.split_last()?;
    let needed = clean_devices_to_show(f64::from(limit) / 100.0, SHOWN)?;
    let (wave, size) = first(before_others, |size| size < needed)?;
    let unnoticed = unnoticed(limit, size);
    Some(format!(
        "wave {wave} has {}: {unnoticed}; with {needed} devices or more it would show with 95 % probability",
        Devices(size)
    ))
}

fn unnoticed(limit: Percent, size: u64) -> String {
    let unseen = 1.0 - chance_to_show(f64::from(limit) / 100.0, size);
    let percent = (unseen * 100.0).round();
    format!("a defect in {limit} of devices goes unnoticed there with {percent} % probability")
}

fn single_failure(plan: &Plan, sizes: &[u64]) -> Option<String> {
    let limit = plan.rollback_criteria.max_failure_rate?;
    if limit == Percent::default() || boundary(plan).is_some() {
        return None;
    }
    let (wave, size) = first(sizes, |size| limit.at_most(size) == 0)?;
    Some(format!(
        "wave {wave} has {}, so that a single failure is more than {limit} of it and stops the rollout; make it larger or raise max_failure_rate",
        Devices(size)
    ))
}

fn single_failure_of_a_kind(plan: &Plan, sizes: &[u64]) -> Option<String> {
    let limits = &plan.rollback_criteria.failure_limits;
    limits.iter().find_map(|(kind, limit)| {
        let single = limit.min_count <= 1 && limit.max_rate > Percent::default();
        let (wave, size) = first(sizes, |size| single && limit.max_rate.at_most(size) == 0)?;
        let kind = kind.name();
        Some(format!(
            "wave {wave} has {}, so that a single `{kind}` is more than the limit of {}; raise min_count of that limit",
            Devices(size),
            limit.max_rate
        ))
    })
}

fn min_judged(plan: &Plan) -> Option<String> {
    let wanted = plan.rollback_criteria.min_judged;
    if wanted == Percent::default() {
        return Some(
            "min_judged is 0 %: a wave passes when a single device of it came; ask for more"
                .to_owned(),
        );
    }
    let waits = match plan.offline_policy {
        OfflinePolicy::Wait => true,
        OfflinePolicy::Skip | OfflinePolicy::Late => false,
    };
    (wanted == Percent::HUNDRED && !waits).then(|| {
        "min_judged is 100 %: one device that does not come makes its wave inconclusive; ask for less, or use offline_policy: wait"
            .to_owned()
    })
}

fn blast_radius(plan: &Plan, sizes: &[u64]) -> Option<String> {
    let most = plan.blast_radius?;
    let (wave, size) = first(sizes, |size| size > most)?;
    Some(format!(
        "wave {wave} has {}, more than the blast_radius of {most} allows to be unproven at once; make waves smaller or raise blast_radius",
        Devices(size)
    ))
}

fn in_flight_without_effect(plan: &Plan, sizes: &[u64]) -> Option<String> {
    let most = plan.pace.max_in_flight?;
    let largest = *sizes.iter().max()?;
    (most > largest).then(|| {
        format!(
            "pace.max_in_flight of {most} has no effect because no wave has more than {}; lower it or leave it out",
            Devices(largest)
        )
    })
}

fn slow_rate(plan: &Plan, sizes: &[u64]) -> Option<String> {
    let rate = plan.pace.rate.as_ref()?;
    let total = sizes
        .iter()
        .fold(0, |sum: u64, size| sum.saturating_add(*size));
    let minutes = SLOW / 60;
    let offered = if rate.growth.is_none() {
        rate.per_minute.saturating_mul(minutes)
    } else {
        let minute = |offered: u64| offered.saturating_add(rate.at(offered, offered).max(1));
        std::iter::successors(Some(0), |offered| Some(minute(*offered)))
            .take(minutes as usize + 1)
            .find(|offered| *offered >= total)
            .unwrap_or(0)
    };
    (offered < total).then(|| {
        format!(
            "pace.rate alone makes {} take more than 30 days; raise per_minute or let it grow",
            Devices(total)
        )
    })
}

fn timeouts(plan: &Plan) -> Option<String> {
    let (device, whole) = (plan.device_timeout, plan.deployment_timeout?);
    (device > whole).then(|| {
        format!(
            "device_timeout of {} is longer than the deployment_timeout of {}, so that the rollout halts before it gives up a device; shorten the one or lengthen the other",
            Span(device.0.into()),
            Span(whole.0.into())
        )
    })
}

fn endless(timetable: &Timetable) -> Option<String> {
    let wave = timetable.waves.len() + 1;
    timetable.ends_at.is_none().then(|| {
        format!("wave {wave} would not be over within ten years: widen the windows, end the freeze or raise the pace")
    })
}

fn too_long(plan: &Plan, timetable: &Timetable) -> Option<String> {
    let (allowed, takes) = (u64::from(plan.deployment_timeout?.0), timetable.takes()?);
    (takes > allowed).then(|| {
        format!(
            "the rollout is expected to take {}, longer than its deployment_timeout of {}; lengthen that, or shorten waves and soak times",
            Span(takes),
            Span(allowed)
        )
    })
}

fn dynamic_at_once(plan: &Plan) -> Option<String> {
    (plan.dynamic && plan.strategy == Strategy::Immediate).then(|| {
        "dynamic with the immediate strategy updates devices that join at once, with none before them to prove the version; use canary or rolling"
            .to_owned()
    })
}

fn long_retries(plan: &Plan) -> impl Iterator<Item = String> {
    let timeout = u64::from(plan.device_timeout.0);
    plan.retries.iter().filter_map(move |(kind, retry)| {
        let waits = (1..=retry.times).filter_map(|failed| retry.wait_after(failed));
        let waited: u64 = waits.map(|wait| u64::from(wait.0)).sum();
        (waited > timeout).then(|| {
            format!(
                "retries of `{}` wait {} in all, longer than the device_timeout of {}, and their wave waits with them; lower times or backoff",
                kind.name(),
                Span(waited),
                Span(timeout)
            )
        })
    })
}

fn boundary(plan: &Plan) -> Option<Boundary> {
    match plan.rollback_criteria.judgement {
        Judgement::Threshold => None,
        Judgement::Sequential => Boundary::new(plan.rollback_criteria.max_failure_rate?),
    }
}

/// The number, from 1, and the size of the first wave of which something holds.
fn first(sizes: &[u64], holds: impl Fn(u64) -> bool) -> Option<(usize, u64)> {
    let at = sizes.iter().position(|size| holds(*size))?;
    Some((at + 1, sizes[at]))
}

#[cfg(test)]
mod tests;
