//! Counts that the program keeps, beside those of the rows themselves.

use std::collections::BTreeMap;

use fleetward_core::device::DeviceStatus;

use crate::mirror::{Counts, Mirror, Seen};
use crate::violation::{Checked, hold, promise};

/// What is counted of an execution is what there is.
pub(crate) fn check(mirror: &Mirror, execution: i64, seen: &Seen) -> Checked {
    let (counts, tallies) = (without_zeros(&seen.counts), without_zeros(&seen.tallies));
    hold(counts == tallies, promise::COUNTS, || {
        format!("execution {execution} counts {tallies:?}, and has {counts:?}")
    })?;
    hold(seen.row.offers == seen.offers, promise::COUNTS, || {
        format!(
            "execution {execution} counts {} offers of {}",
            seen.row.offers, seen.offers
        )
    })?;
    let joined = mirror
        .members_of(execution)
        .filter(|member| member.joined)
        .count() as i64;
    let all: i64 = seen.counts.values().sum();
    let chosen: u64 = seen.rollout.waves.iter().map(|wave| wave.size).sum();
    hold(all - joined == chosen as i64, promise::COUNTS, || {
        format!(
            "execution {execution} chose {chosen} devices and has {all}, {joined} of them joined"
        )
    })?;
    places(mirror, execution, seen)
}

fn without_zeros(counts: &Counts) -> Counts {
    counts
        .iter()
        .filter(|(_, n)| **n != 0)
        .map(|(slot, n)| (*slot, *n))
        .collect()
}

fn places(mirror: &Mirror, execution: i64, seen: &Seen) -> Checked {
    if seen.domains.is_empty() {
        return Ok(());
    }
    let mut found: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for member in mirror.members_of(execution) {
        if let Some(domain) = &member.row.domain {
            let place = found.entry(domain).or_default();
            place.0 += 1;
            place.1 += i64::from(is_under_way(member.row.status));
        }
    }
    let whole = !mirror.kept.keys().any(|(key, _)| *key == execution);
    for (domain, row) in &seen.domains {
        let (devices, busy) = found.get(domain.as_str()).copied().unwrap_or_default();
        let fits = row.busy == busy && (row.devices == devices || !whole);
        hold(fits, promise::COUNTS, || {
            format!("{row:?}, and there are {devices} devices and {busy} busy ones")
        })?;
    }
    Ok(())
}

/// Holds an offer or works on it.
pub(crate) const fn is_under_way(status: DeviceStatus) -> bool {
    matches!(
        status,
        DeviceStatus::Released
            | DeviceStatus::Downloading
            | DeviceStatus::Installing
            | DeviceStatus::Rebooting
    )
}
