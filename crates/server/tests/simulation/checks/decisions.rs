//! Decisions: where they lead, and whether their numbers bear them out.

use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Decision, Outcome, Rollout, Rule, Scope};
use fleetward_core::ids::WaveIndex;
use fleetward_core::judge::{Limits, Numbers, Verdict, gate, judge};
use fleetward_store::inspect::DecisionRow;

use crate::mirror::{Counts, Done, Mirror, Seen};
use crate::violation::{Checked, Violation, broken, hold, promise};

/// Where an execution is, by its decisions alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// Not begun.
    Waiting,
    Forward,
    /// Waits for a person.
    Stopped,
    Back,
    Cancelling,
    Succeeded,
    /// Over, in any other way.
    Ended,
}

pub(crate) fn read(row: &DecisionRow) -> Checked<Decision> {
    serde_json::from_str(&row.body).map_err(|error| Violation {
        promise: promise::SOUND,
        detail: format!("{row:?} can't be read: {error}"),
    })
}

/// Follows a decision.
pub(crate) fn follow(seen: &mut Seen, row: &DecisionRow) -> Checked {
    let decision = read(row)?;
    let over = matches!(seen.course, Course::Succeeded | Course::Ended);
    let late = matches!(decision, Decision::StragglersStopped { .. });
    hold(!over || late, promise::ENDS, || {
        format!("{row:?} after the end")
    })?;
    let turns = !matches!(seen.course, Course::Back)
        || matches!(
            decision,
            Decision::Recalled { .. }
                | Decision::RollbackHeld { .. }
                | Decision::RollbackForced { .. }
                | Decision::RollbackFinished { .. }
                | Decision::Finished { .. }
        );
    hold(turns, promise::ENDS, || format!("{row:?} on the way back"))?;
    seen.started |= matches!(decision, Decision::Started { .. });
    seen.course = match decision {
        Decision::Started { .. } => Course::Forward,
        Decision::Halted { .. } => Course::Stopped,
        Decision::Resumed { .. } | Decision::Accepted { .. } if !seen.started => Course::Waiting,
        Decision::Resumed { .. } | Decision::Accepted { .. } => Course::Forward,
        Decision::CancelStarted { .. } => Course::Cancelling,
        Decision::RollbackStarted { .. } => Course::Back,
        Decision::Finished {
            outcome: Outcome::Succeeded,
        } => Course::Succeeded,
        Decision::Finished { .. } => Course::Ended,
        Decision::Released { .. }
        | Decision::Staged { .. }
        | Decision::SlotsFilled { .. }
        | Decision::Switched { .. }
        | Decision::Settled { .. }
        | Decision::Passed { .. }
        | Decision::Tripped { .. }
        | Decision::CarriedOn { .. }
        | Decision::StragglersStopped { .. }
        | Decision::Recalled { .. }
        | Decision::RollbackHeld { .. }
        | Decision::RollbackForced { .. }
        | Decision::RollbackFinished { .. } => seen.course,
    };
    Ok(())
}

/// Whether the numbers of what was decided were those of the devices, and speak for it.
pub(crate) fn check(mirror: &Mirror, done: &Done) -> Checked {
    for row in &done.decisions {
        let Some(seen) = mirror.executions.get(&row.execution_key) else {
            continue;
        };
        let decision = read(row)?;
        let Some((scope, numbers)) = judged(&decision) else {
            continue;
        };
        let states = [Some(&seen.rollout), done.before.get(&row.execution_key)];
        let history = done.history.get(&row.execution_key);
        let mut found = false;
        for rollout in states.into_iter().flatten() {
            for counts in history.into_iter().flatten() {
                let fits = numbers_of(rollout, counts, scope) == numbers;
                found = found || fits && bears_out(rollout, counts, &decision);
            }
        }
        if !found {
            let last = history.and_then(|history| history.last());
            let told = last.map(|counts| numbers_of(&seen.rollout, counts, scope));
            return broken(
                promise::VERDICTS,
                format!("{decision:?}, and the devices say {told:?}"),
            );
        }
    }
    Ok(())
}

const fn judged(decision: &Decision) -> Option<(Scope, Numbers)> {
    match decision {
        Decision::Passed { wave, numbers } | Decision::Settled { wave, numbers } => {
            Some((Scope::Wave { wave: *wave }, *numbers))
        }
        Decision::Tripped { scope, numbers, .. } => Some((*scope, *numbers)),
        Decision::Started { .. }
        | Decision::Released { .. }
        | Decision::Staged { .. }
        | Decision::SlotsFilled { .. }
        | Decision::Switched { .. }
        | Decision::Halted { .. }
        | Decision::Resumed { .. }
        | Decision::Accepted { .. }
        | Decision::CarriedOn { .. }
        | Decision::StragglersStopped { .. }
        | Decision::CancelStarted { .. }
        | Decision::RollbackStarted { .. }
        | Decision::Recalled { .. }
        | Decision::RollbackHeld { .. }
        | Decision::RollbackForced { .. }
        | Decision::RollbackFinished { .. }
        | Decision::Finished { .. } => None,
    }
}

fn numbers_of(rollout: &Rollout, counts: &Counts, scope: Scope) -> Numbers {
    let of = |wave| wave_numbers(rollout, counts, wave);
    match scope {
        Scope::Wave { wave } => of(wave),
        Scope::Released => {
            let waves = (0..rollout.waves.len() as u32).map(WaveIndex);
            let open = waves.filter(|wave| rollout.waves[wave.position()].released_at.is_some());
            open.map(of).fold(Numbers::default(), |sum, one| sum + one)
        }
    }
}

fn wave_numbers(rollout: &Rollout, counts: &Counts, wave: WaveIndex) -> Numbers {
    let this = &rollout.waves[wave.position()];
    let count = |statuses: &[DeviceStatus]| {
        let here = counts.iter().filter(|((number, slot), _)| {
            *number == wave.0 && slot.class == Class::OnTime && statuses.contains(&slot.status)
        });
        here.map(|(_, devices)| *devices).sum::<i64>() as u64
    };
    let failures = count(&[DeviceStatus::Failed, DeviceStatus::TimedOut]);
    let busy = count(&[
        DeviceStatus::Released,
        DeviceStatus::Downloading,
        DeviceStatus::Installing,
        DeviceStatus::Rebooting,
    ]);
    let waiting = count(&[DeviceStatus::Pending]);
    let staged = count(&[DeviceStatus::Verifying]);
    let (size, succeeded, in_flight) = if this.staged && this.switched_at.is_none() {
        (this.size - waiting, staged, busy)
    } else {
        (
            this.size,
            count(&[DeviceStatus::Succeeded]),
            busy + waiting + staged,
        )
    };
    Numbers {
        size,
        succeeded,
        failed: failures.saturating_sub(this.accepted_failures),
        in_flight,
        not_judged: size.saturating_sub(succeeded + in_flight + failures),
    }
}

/// What is known of the waves right before this one that were gone past.
fn carried(rollout: &Rollout, counts: &Counts, wave: WaveIndex) -> Numbers {
    let before = (0..wave.0).rev().map(WaveIndex);
    before
        .take_while(|w| rollout.waves[w.position()].verdict == Some(Verdict::Inconclusive))
        .map(|w| wave_numbers(rollout, counts, w))
        .fold(Numbers::default(), |sum, one| sum + one)
}

fn bears_out(rollout: &Rollout, counts: &Counts, decision: &Decision) -> bool {
    let order = &rollout.order;
    let limits = Limits {
        max_failure_rate: order.max_failure_rate,
        min_judged: order.min_judged,
    };
    let verdict = |wave: WaveIndex, numbers: &Numbers| match &order.boundary {
        None => judge(numbers, &limits),
        Some(boundary) => {
            let carried = carried(rollout, counts, wave);
            gate(numbers, &carried, boundary, order.min_judged)
        }
    };
    match decision {
        Decision::Passed { wave, numbers } | Decision::Settled { wave, numbers } => {
            verdict(*wave, numbers) == Some(Verdict::Pass)
        }
        Decision::Tripped {
            numbers,
            rule: None,
            ..
        } => judge(numbers, &limits) == Some(Verdict::Fail),
        Decision::Tripped {
            rule: Some(Rule::Sequential {
                failures, devices, ..
            }),
            ..
        } => {
            let boundary = order.boundary.as_ref();
            boundary.and_then(|b| b.verdict(*failures, *devices)) == Some(Verdict::Fail)
        }
        Decision::Tripped {
            scope: Scope::Wave { wave },
            rule: Some(Rule::Kind { count, limit, .. }),
            ..
        } => {
            let size = rollout.waves[wave.position()].size;
            *count >= limit.min_count && limit.max_rate.exceeded_by(*count, size)
        }
        Decision::Tripped { .. }
        | Decision::Started { .. }
        | Decision::Released { .. }
        | Decision::Staged { .. }
        | Decision::SlotsFilled { .. }
        | Decision::Switched { .. }
        | Decision::Halted { .. }
        | Decision::Resumed { .. }
        | Decision::Accepted { .. }
        | Decision::CarriedOn { .. }
        | Decision::StragglersStopped { .. }
        | Decision::CancelStarted { .. }
        | Decision::RollbackStarted { .. }
        | Decision::Recalled { .. }
        | Decision::RollbackHeld { .. }
        | Decision::RollbackForced { .. }
        | Decision::RollbackFinished { .. }
        | Decision::Finished { .. } => false,
    }
}
