//! Limits: on devices under way, offers a minute, places, devices at risk, executions at once.

use std::collections::BTreeMap;

use fleetward_core::device::{AttemptKind, Class, DeviceStatus};
use fleetward_core::engine::Decision;
use fleetward_core::seconds::Seconds;
use fleetward_server::config::Config;

use super::counts::is_under_way;
use super::decisions::read;
use crate::mirror::{Done, Mirror, Seen};
use crate::violation::{Checked, hold, promise};

pub(crate) fn check(mirror: &mut Mirror, config: &Config, done: &Done) -> Checked {
    for key in &done.executions {
        if let Some(seen) = mirror.executions.get_mut(key) {
            check_pace(*key, seen, done)?;
        }
        if let Some(seen) = mirror.executions.get(key) {
            check_places(mirror, *key, seen)?;
        }
    }
    check_concurrency(mirror, config, done)?;
    check_blast_radius(mirror, done)
}

fn count(seen: &Seen, of: impl Fn(DeviceStatus) -> bool) -> u64 {
    let matching = seen.counts.iter().filter(|((_, slot), _)| of(slot.status));
    matching.map(|(_, devices)| *devices).sum::<i64>() as u64
}

fn check_pace(key: i64, seen: &mut Seen, done: &Done) -> Checked {
    let pace = seen.rollout.order.pace.clone();
    if let Some(most) = pace.max_in_flight {
        let under_way = count(seen, is_under_way);
        let back = count(seen, |status| status == DeviceStatus::RollingBack);
        hold(under_way <= most && back <= most, promise::PACE, || {
            format!(
                "execution {key}: {under_way} forward and {back} back under way, {most} allowed"
            )
        })?;
    }
    let Some(rate) = pace.rate else { return Ok(()) };
    let succeeded = count(seen, |status| status == DeviceStatus::Succeeded);
    seen.rate = seen.rate.max(rate.at(seen.offers, succeeded));
    let of_this = done.offers.iter().filter(|row| row.execution_key == key);
    let Some(now) = of_this.map(|row| row.opened_at).max() else {
        return Ok(());
    };
    let recent = seen
        .offered
        .iter()
        .filter(|at| **at <= now && Seconds(60).after(**at) > now);
    let offered = recent.count() as u64;
    let most = seen.rate;
    hold(offered <= most, promise::PACE, || {
        format!("execution {key}: {offered} offers in the minute before {now}, {most} allowed")
    })?;
    while seen.offered.len() > 5000 {
        seen.offered.pop_front();
    }
    Ok(())
}

fn check_places(mirror: &Mirror, key: i64, seen: &Seen) -> Checked {
    let Some(limit) = &seen.rollout.order.pace.failure_domain else {
        return Ok(());
    };
    let mut places: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for member in mirror.members_of(key) {
        if let Some(domain) = &member.row.domain {
            let place = places.entry(domain).or_default();
            place.0 += 1;
            place.1 += u64::from(is_under_way(member.row.status));
        }
    }
    for (domain, (here, busy)) in places {
        // Devices of waves that are not written out yet are there too.
        let kept = seen
            .domains
            .get(domain)
            .map_or(here, |row| row.devices as u64);
        let most = limit.max_percentage.of(kept.max(here)).max(1);
        hold(busy <= most, promise::PLACES, || {
            format!("execution {key}: {busy} of {here} under way at {domain}, {most} allowed")
        })?;
    }
    Ok(())
}

fn check_concurrency(mirror: &Mirror, config: &Config, done: &Done) -> Checked {
    let started = done
        .decisions
        .iter()
        .filter(|row| row.name == "started")
        .count();
    if started == 0 {
        return Ok(());
    }
    let running: Vec<&Seen> = mirror
        .executions
        .values()
        .filter(|seen| runs(seen))
        .collect();
    let most = config.performance.max_concurrent_deployments as usize;
    hold(running.len() <= most, promise::CONCURRENCY, || {
        format!("{} executions run, {most} may", running.len())
    })?;
    for (name, environment) in &config.environments {
        let here = running
            .iter()
            .filter(|seen| seen.row.environment == *name)
            .count();
        let most = environment
            .max_concurrent_deployments
            .map_or(usize::MAX, |most| most as usize);
        hold(here <= most, promise::CONCURRENCY, || {
            format!("{here} executions run in {name}, {most} may")
        })?;
    }
    Ok(())
}

fn runs(seen: &Seen) -> bool {
    seen.outcome.is_none() && seen.started
}

/// Where a wave was opened, or a late device was offered the update, all that is at risk is within the limit.
fn check_blast_radius(mirror: &Mirror, done: &Done) -> Checked {
    let opened = done.decisions.iter().filter_map(|row| match read(row) {
        Ok(Decision::Released { .. } | Decision::Staged { .. }) => Some(row.execution_key),
        Ok(_) | Err(_) => None,
    });
    let late = done.offers.iter().filter(|row| {
        let member = mirror.members.get(&(row.execution_key, row.device_key));
        row.kind == AttemptKind::Deploy && member.is_some_and(|m| m.row.class != Class::OnTime)
    });
    for key in opened.chain(late.map(|row| row.execution_key)) {
        let Some(seen) = mirror.executions.get(&key) else {
            continue;
        };
        let Some(limit) = seen.rollout.order.blast_radius else {
            continue;
        };
        let here = mirror
            .executions
            .values()
            .filter(|e| e.row.environment == seen.row.environment);
        let unproven: u64 = here.map(at_risk).sum();
        hold(unproven <= limit, promise::BLAST, || {
            format!(
                "execution {key}: {unproven} devices of its environment are not proven, {limit} may be"
            )
        })?;
    }
    Ok(())
}

/// Devices that may run something that has not proved itself.
fn at_risk(seen: &Seen) -> u64 {
    let risk = |wave: u32, class: Class, status: DeviceStatus| {
        let busy = status == DeviceStatus::Released || status.in_flight();
        if class != Class::OnTime {
            return busy;
        }
        let wave = seen.rollout.waves.get(wave as usize);
        let open = wave.is_some_and(|wave| wave.released_at.is_some() && !wave.is_behind());
        seen.outcome.is_none()
            && if open {
                !status.runs_the_earlier_version()
            } else {
                busy
            }
    };
    let counted = seen
        .counts
        .iter()
        .filter(|((wave, slot), _)| risk(*wave, slot.class, slot.status));
    counted.map(|(_, devices)| *devices).sum::<i64>() as u64
}
