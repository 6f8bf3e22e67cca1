//! The engine against random fleets and random commands: what must hold in every history.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use fleetward_core::Timestamp;
use fleetward_core::device::{DeviceStatus, Report};
use fleetward_core::engine::{Command, Outcome, Phase, Rollout};
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Behaviour, Device, Rehearsal, World};
use fleetward_core::seconds::Seconds;
use proptest::prelude::*;

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let result = prop_oneof![
        6 => Just(Some(Report::Succeeded)),
        2 => Just(Some(Report::Failed)),
        1 => Just(None),
    ];
    let back = prop_oneof![6 => Just(Some(Report::Succeeded)), 1 => Just(Some(Report::Failed)), 1 => Just(None)];
    let comes = prop_oneof![8 => (0u32..600).prop_map(Some), 1 => Just(None), 1 => (3000u32..9000).prop_map(Some)];
    (comes, 1u32..5000, result, back, any::<[bool; 3]>()).prop_map(
        |(comes, takes, result, back, [can_stage, refuses_to_stop, reports_twice])| Behaviour {
            comes_after: comes.map(Seconds),
            takes: Seconds(takes),
            result,
            back,
            can_stage,
            refuses_to_stop,
            reports_twice,
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    let strategy = prop::sample::select(vec!["canary", "rolling", "immediate", "blue_green"]);
    let policy = prop::sample::select(vec!["late", "skip", "wait"]);
    (
        strategy,
        policy,
        0u32..40,
        any::<bool>(),
        1u32..=100,
        0u32..900,
    )
        .prop_map(
            |(strategy, offline_policy, rate, auto_rollback, rollout_percentage, monitor)| {
                serde_json::from_value(serde_json::json!({
                "name": "Model", "firmware_version": "2", "target_environment": "field",
                "strategy": strategy, "rollout_percentage": rollout_percentage,
                "canary_percentage": 10, "canary_steps": [30, 100], "batch_percentage": 20,
                "monitor_seconds": monitor, "rollback_criteria": {"max_failure_rate": rate},
                "auto_rollback": auto_rollback, "device_timeout": 3600, "rollback_timeout": 1800,
                "offline_policy": offline_policy,
            }))
            .unwrap()
            },
        )
}

fn commands() -> impl Strategy<Value = Vec<(u32, Command)>> {
    let command = prop::sample::select(vec![
        Command::Pause,
        Command::Resume,
        Command::Resume,
        Command::Cancel,
        Command::Rollback,
    ]);
    prop::collection::vec((0u32..20_000, command), 0..6)
}

/// A device is released only in an open wave, is offered the update once, and is counted once.
fn check_devices(rehearsal: &Rehearsal) {
    let census = rehearsal.world().census();
    for (wave, tally) in rehearsal.rollout().waves.iter().zip(&census.waves) {
        assert_eq!(wave.size, tally.size(), "counts add up");
    }
    for device in rehearsal.world().devices() {
        assert!(
            device.offers <= 2,
            "offered once, or once more after it could not stage"
        );
        let open = rehearsal.rollout().waves[device.wave.position()]
            .released_at
            .is_some();
        assert!(open || device.offers == 0, "no device outside its wave");
    }
}

/// After a rollback every device that runs the new version is named: it failed to go back, or it
/// came through after the end.
fn check_end(rehearsal: &Rehearsal, at_the_end: &[Device]) {
    let Phase::Finished { outcome, .. } = rehearsal.rollout().phase else {
        return;
    };
    if !matches!(outcome, Outcome::RolledBack | Outcome::RollbackIncomplete) {
        return;
    }
    for device in at_the_end {
        let named = matches!(
            device.status,
            DeviceStatus::RollbackFailed | DeviceStatus::Succeeded
        );
        assert!(!device.on_new || named, "{device:?}");
        assert!(device.status.is_final(), "{device:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_history_is_sound(
        plan in plan(),
        behaviours in prop::collection::vec(behaviour(), 1..40),
        commands in commands(),
    ) {
        let sizes = plan.waves(behaviours.len() as u64);
        let mut rest = behaviours.as_slice();
        let waves: Vec<Vec<Behaviour>> = sizes
            .iter()
            .map(|&size| {
                let (wave, others) = rest.split_at(size as usize);
                rest = others;
                wave.to_vec()
            })
            .collect();
        let start = Timestamp::UNIX_EPOCH;
        let mut rehearsal = Rehearsal::new(Rollout::new(&plan, &sizes), World::new(&waves), start);
        for (at, command) in commands {
            rehearsal.command_at(Seconds(at).after(start), command, "ann");
        }
        let mut finals: Vec<Option<DeviceStatus>> = vec![None; behaviours.len()];
        let mut outcome = None;
        for hour in 0..24 {
            rehearsal.run(Seconds(hour * 1200).after(start));
            check_devices(&rehearsal);
            for (before, device) in finals.iter_mut().zip(rehearsal.world().devices()) {
                let left_an_end = matches!(
                    before,
                    Some(DeviceStatus::RolledBack | DeviceStatus::Failed | DeviceStatus::Skipped)
                ) && *before != Some(device.status);
                prop_assert!(!left_an_end, "{before:?} became {}", device.status);
                *before = Some(device.status);
            }
            if let Phase::Finished { outcome: now, .. } = rehearsal.rollout().phase {
                prop_assert!(outcome.is_none_or(|before| before == now), "an end is the end");
                if outcome.is_none() {
                    check_end(&rehearsal, rehearsal.world().devices());
                }
                outcome = Some(now);
            }
        }
    }
}
