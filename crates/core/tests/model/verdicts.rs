//! Whether waves passed and rollouts were stopped rightly: the numbers worked out anew from the devices.

use fleetward_core::device::{Class, DeviceStatus, FailureKind};
use fleetward_core::engine::{Rollout, Rule, Scope};
use fleetward_core::ids::WaveIndex;
use fleetward_core::judge::{Numbers, Verdict};
use fleetward_core::rehearsal::{Device, Moment};

/// A wave passes on enough devices that are through, and on failures within the limit.
pub(crate) fn check_pass(moment: &Moment<'_>, wave: WaveIndex, told: &Numbers) {
    let order = &moment.rollout.order;
    let numbers = numbers(moment, wave);
    assert_eq!(numbers, *told);
    assert!(
        numbers.judged() >= order.min_judged.of(numbers.size).max(1),
        "{numbers:?}"
    );
    if order.boundary.is_some() {
        // Its own verdict is a pass by now: only those before it are carried.
        let evidence = numbers + carried(moment, wave);
        let score = score(moment.rollout, evidence.failed, evidence.judged());
        assert!(score <= -f64::ln(20.0) + 1e-9, "{evidence:?}");
        assert!(numbers.in_flight * 10 <= numbers.size, "{numbers:?}");
    } else {
        assert_eq!(numbers.in_flight, 0);
        let limit = order
            .max_failure_rate
            .map_or(1.0, |limit| f64::from(limit) / 100.0);
        assert!(
            numbers.failed as f64 <= limit * numbers.judged() as f64 + 1e-9,
            "{numbers:?}"
        );
    }
}

/// A rollout is stopped on failures over its limit.
pub(crate) fn check_trip(moment: &Moment<'_>, scope: Scope, told: &Numbers, rule: Option<Rule>) {
    let rollout = moment.rollout;
    let numbers = match scope {
        Scope::Wave { wave } => numbers(moment, wave),
        Scope::Released => (0..rollout.waves.len() as u32)
            .map(WaveIndex)
            .filter(|wave| rollout.waves[wave.position()].released_at.is_some())
            .map(|wave| numbers(moment, wave))
            .fold(Numbers::default(), |sum, one| sum + one),
    };
    assert_eq!(numbers, *told, "{scope:?}");
    match (rule, scope) {
        (None, _) => assert!(is_over(rollout, &numbers), "{numbers:?}"),
        (
            Some(Rule::Sequential {
                failures, devices, ..
            }),
            Scope::Wave { wave },
        ) => {
            let evidence = numbers + carried(moment, wave);
            assert_eq!((failures, devices), (evidence.failed, evidence.judged()));
            let score = score(rollout, failures, devices);
            assert!(score >= f64::ln(20.0) - 1e-9, "{failures} of {devices}");
        }
        (Some(Rule::Kind { kind, count, limit }), Scope::Wave { wave }) => {
            let this = &rollout.waves[wave.position()];
            let accepted = this.accepted_kinds.get(&kind).copied().unwrap_or(0);
            let so = devices_of(moment, wave).filter(|device| failed_so(device, kind));
            assert_eq!(
                count,
                (so.count() as u64).saturating_sub(accepted),
                "{kind:?}"
            );
            assert!(count >= limit.min_count && limit.max_rate.exceeded_by(count, this.size));
        }
        (Some(rule), Scope::Released) => panic!("{rule:?} is about one wave"),
    }
}

fn devices_of<'a>(moment: &Moment<'a>, wave: WaveIndex) -> impl Iterator<Item = &'a Device> {
    let devices = moment.world.devices().iter();
    devices.filter(move |device| device.wave == wave)
}

fn failed_so(device: &Device, kind: FailureKind) -> bool {
    let absent = device.class == Class::Absent && device.status == DeviceStatus::Pending;
    if kind == FailureKind::NeverContacted && absent {
        return true;
    }
    device.class == Class::OnTime && device.failure == Some(kind)
}

fn numbers(moment: &Moment<'_>, wave: WaveIndex) -> Numbers {
    let this = &moment.rollout.waves[wave.position()];
    let count = |statuses: &[DeviceStatus]| {
        let on_time = devices_of(moment, wave).filter(|device| device.class == Class::OnTime);
        on_time
            .filter(|device| statuses.contains(&device.status))
            .count() as u64
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
    let staging = this.staged && this.switched_at.is_none();
    let (size, succeeded, in_flight) = if staging {
        (this.size - waiting, staged, busy)
    } else {
        let succeeded = count(&[DeviceStatus::Succeeded]);
        (this.size, succeeded, busy + waiting + staged)
    };
    Numbers {
        size,
        succeeded,
        failed: failures.saturating_sub(this.accepted_failures),
        in_flight,
        not_judged: size.saturating_sub(succeeded + in_flight + failures),
    }
}

fn is_over(rollout: &Rollout, numbers: &Numbers) -> bool {
    let limit = rollout.order.max_failure_rate.unwrap();
    let limit = f64::from(limit) / 100.0;
    let over = |whole: u64| numbers.failed as f64 > limit * whole as f64 + 1e-9;
    over(numbers.size) || (numbers.in_flight == 0 && over(numbers.judged()))
}

fn carried(moment: &Moment<'_>, wave: WaveIndex) -> Numbers {
    let waves = &moment.rollout.waves;
    (0..wave.0)
        .rev()
        .map(WaveIndex)
        .take_while(|before| waves[before.position()].verdict == Some(Verdict::Inconclusive))
        .map(|before| numbers(moment, before))
        .fold(Numbers::default(), |sum, one| sum + one)
}

/// Of Wald's test between half of the limit and twice of it.
fn score(rollout: &Rollout, failures: u64, devices: u64) -> f64 {
    let limit = f64::from(rollout.order.max_failure_rate.unwrap()) / 100.0;
    let success = f64::ln((1.0 - limit / 2.0) / (1.0 - limit * 2.0));
    failures as f64 * f64::ln(4.0) - (devices - failures) as f64 * success
}
