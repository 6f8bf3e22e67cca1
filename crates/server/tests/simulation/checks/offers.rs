//! When an update may be offered, and how often.

use fleetward_core::Timestamp;
use fleetward_core::calendar::WindowTimezone;
use fleetward_core::device::Class;
use fleetward_server::config::Config;
use fleetward_store::inspect::ActionRow;

use super::decisions::Course;
use crate::mirror::{Done, Mirror, Seen};
use crate::violation::{Checked, broken, hold, promise};

/// An offer only on the way forward.
pub(crate) fn check_course(seen: &Seen, row: &ActionRow, class: Class) -> Checked {
    let may = match seen.course {
        Course::Forward => true,
        Course::Succeeded => class.is_straggler(),
        Course::Waiting | Course::Stopped | Course::Back | Course::Cancelling | Course::Ended => {
            false
        }
    };
    hold(may, promise::OFFERS, || {
        format!("{row:?} while {:?}", seen.course)
    })
}

/// What speaks against an offer outside of the execution.
pub(crate) fn check(mirror: &Mirror, config: &Config, done: &Done) -> Checked {
    for row in &done.recalls {
        let course = mirror
            .executions
            .get(&row.execution_key)
            .map(|seen| seen.course);
        let back = matches!(course, Some(Course::Back | Course::Ended));
        hold(back, promise::OFFERS, || {
            format!("{row:?} while {course:?}")
        })?;
    }
    for row in done.offers.iter().chain(&done.switches) {
        let Some(seen) = mirror.executions.get(&row.execution_key) else {
            return broken(promise::SOUND, format!("{row:?} belongs to no execution"));
        };
        // A slot that is filled switches later than it was offered; only its time is not in its row.
        let at = if done.switches.contains(row) {
            None
        } else {
            Some(row.opened_at)
        };
        check_freezes(mirror, config, seen, at)?;
        check_window(mirror, seen, row, at)?;
        let starts_at = seen.rollout.starts_at;
        let begun = at.is_none_or(|at| starts_at.is_none_or(|start| start <= at));
        hold(begun, promise::OFFERS, || {
            format!("{row:?} before {starts_at:?}")
        })?;
        check_wave(mirror, seen, row)?;
    }
    Ok(())
}

fn check_freezes(mirror: &Mirror, config: &Config, seen: &Seen, at: Option<Timestamp>) -> Checked {
    let Some(at) = at.filter(|_| !seen.rollout.overrides_freeze) else {
        return Ok(());
    };
    let here =
        |environment: Option<&str>| environment.is_none_or(|name| name == seen.row.environment);
    let declared = mirror.freezes.values().find(|freeze| {
        here(freeze.environment.as_deref())
            && freeze.from <= at
            && freeze.until.is_none_or(|until| at < until)
            && freeze.lifted_at.is_none()
    });
    hold(declared.is_none(), promise::OFFERS, || {
        format!("offered at {at} during {declared:?}")
    })?;
    let planned = config
        .freezes()
        .find(|(environment, freeze)| here(*environment) && freeze.covers(at));
    hold(planned.is_none(), promise::OFFERS, || {
        format!("offered at {at} during {planned:?}")
    })
}

fn check_window(mirror: &Mirror, seen: &Seen, row: &ActionRow, at: Option<Timestamp>) -> Checked {
    let order = &seen.rollout.order;
    let Some(at) = at.filter(|_| !order.emergency) else {
        return Ok(());
    };
    let member = mirror.members.get(&(row.execution_key, row.device_key));
    let zone = match order.calendar.window_timezone {
        WindowTimezone::Environment => None,
        WindowTimezone::Device => member.and_then(|member| member.row.zone.as_deref()),
    };
    let open = order
        .calendar
        .is_open(at, zone.filter(|zone| !zone.is_empty()));
    hold(open, promise::OFFERS, || {
        format!("{row:?} outside of the window of {zone:?}")
    })
}

/// Its wave is open, those before it are judged, and it was not tried too often.
fn check_wave(mirror: &Mirror, seen: &Seen, row: &ActionRow) -> Checked {
    let Some(member) = mirror.members.get(&(row.execution_key, row.device_key)) else {
        return broken(
            promise::SOUND,
            format!("{row:?} is of a device that is not in it"),
        );
    };
    let waves = &seen.rollout.waves;
    let wave = member.row.wave as usize;
    let told = || format!("{row:?} to {:?}", member.row);
    hold(waves[wave].released_at.is_some(), promise::OFFERS, told)?;
    let judged = waves[..wave].iter().all(|wave| wave.verdict.is_some());
    hold(judged, promise::OFFERS, told)?;
    if member.row.class == Class::Joined {
        let last = waves.iter().all(|wave| wave.released_at.is_some());
        hold(last, promise::OFFERS, told)?;
    }
    let order = &seen.rollout.order;
    let retries = order
        .retries
        .values()
        .map(|retry| retry.times)
        .max()
        .unwrap_or(0);
    let most = 1 + retries + member.stones + u32::from(order.staged);
    hold(member.fetched <= most, promise::ATTEMPTS, || {
        format!(
            "{} attempts were fetched, {most} allowed: {:?}",
            member.fetched, member.row
        )
    })
}
