//! Each warning, and plans that need none.

use super::super::tests_support::{doubling, limited, plan};
use super::super::{Circumstances, DEVICE_SECONDS, timetable};
use super::*;
use crate::Timestamp;
use crate::calendar::{Calendar, Freeze};
use crate::device::FailureKind;
use crate::plan::{Counting, FailureLimit, Rate, Retry};
use crate::seconds::Seconds;

const LARGE: [u64; 2] = [1_000, 9_000];

fn warned_while(plan: &Plan, sizes: &[u64], freezes: &[Freeze]) -> Vec<String> {
    let circumstances = Circumstances {
        start: Timestamp::UNIX_EPOCH,
        calendar: &Calendar::default(),
        freezes,
        device_takes: DEVICE_SECONDS,
        zones: &[],
    };
    warnings(plan, sizes, &timetable(plan, sizes, &circumstances))
}

fn warned(plan: &Plan, sizes: &[u64]) -> Vec<String> {
    warned_while(plan, sizes, &[])
}

fn sound() -> Plan {
    limited(5, Judgement::Threshold)
}

#[test]
fn a_sound_plan_is_left_alone() {
    for judgement in [Judgement::Threshold, Judgement::Sequential] {
        let mut plan = limited(5, judgement);
        plan.blast_radius = Some(9_000);
        plan.pace.max_in_flight = Some(9_000);
        plan.deployment_timeout = Some(Seconds(3_600));
        plan.dynamic = true;
        assert_eq!(warned(&plan, &LARGE), [""; 0]);
        assert_eq!(warned(&plan, &[]), [""; 0]);
    }
}

#[test]
fn waves_that_tell_little_say_so() {
    assert_eq!(
        warned(&sound(), &[30, 9_000]),
        [
            "wave 1 has 30 devices: a defect in 5 % of devices goes unnoticed there with 21 % probability; with 59 devices or more it would show with 95 % probability"
        ]
    );
    assert_eq!(
        warned(&limited(5, Judgement::Sequential), &[10, 90]),
        [
            "wave 1 has 10 devices: a defect in 5 % of devices goes unnoticed there with 60 % probability, and sequential judgement needs at least 38 clean devices to pass; make it larger or use judgement: threshold"
        ]
    );
    assert_eq!(
        warned(&sound(), &[100, 10]),
        [
            "wave 2 has 10 devices, so that a single failure is more than 5 % of it and stops the rollout; make it larger or raise max_failure_rate"
        ]
    );
    assert_eq!(warned(&sound(), &[1, 1]).len(), 2);
    assert_eq!(warned(&limited(0, Judgement::Threshold), &[1, 1]), [""; 0]);
}

#[test]
fn each_oddity_is_named() {
    type Make = fn(&mut Plan);
    let cases: [(Make, &str); 16] = [
        (
            |p| p.rollback_criteria.max_failure_rate = None,
            "no max_failure_rate: no number",
        ),
        (
            |p| {
                p.rollback_criteria.max_failure_rate = None;
                limit_silence(p, 50, 1);
            },
            "no max_failure_rate: only",
        ),
        (|p| limit_silence(p, 0, 1), ""),
        (
            |p| p.rollback_criteria.min_judged = Percent::default(),
            "min_judged is 0 %",
        ),
        (
            |p| p.rollback_criteria.min_judged = Percent::HUNDRED,
            "min_judged is 100 %",
        ),
        (
            |p| p.blast_radius = Some(8_999),
            "wave 2 has 9000 devices, more than the blast_radius",
        ),
        (
            |p| p.pace.max_in_flight = Some(9_001),
            "pace.max_in_flight of 9001 has no effect",
        ),
        (|p| p.pace.rate = constant(1), ""),
        (
            |p| {
                p.device_timeout = Seconds(7_200);
                p.deployment_timeout = Some(Seconds(3_600));
            },
            "device_timeout of 2 h is longer than the deployment_timeout of 1 h",
        ),
        (
            |p| {
                p.monitor_seconds = Seconds(3_600);
                p.deployment_timeout = Some(Seconds(7_200));
            },
            "the rollout is expected to take 2 h 20 min, longer than its deployment_timeout of 2 h",
        ),
        (
            |p| {
                p.strategy = Strategy::Immediate;
                p.dynamic = true;
            },
            "dynamic with the immediate strategy",
        ),
        (|p| retry_silence(p, 3), ""),
        (
            |p| retry_silence(p, 4),
            "retries of `updated_then_silent` wait 1 h 15 min in all",
        ),
        (
            |p| p.monitor_seconds = Seconds(u32::MAX),
            "wave 1 would not be over within ten years",
        ),
        (|p| p.emergency = true, ""),
        (|p| p.stepping_stones = vec!["1.0".into()], ""),
    ];
    for (index, (make, start)) in cases.into_iter().enumerate() {
        let mut plan = sound();
        make(&mut plan);
        let found = warned(&plan, &LARGE);
        let as_wanted = match found.as_slice() {
            [] => start.is_empty(),
            [only] => !start.is_empty() && only.starts_with(start),
            [..] => false,
        };
        assert!(as_wanted, "case {index}: {found:?}");
    }
}

fn limit_silence(plan: &mut Plan, max_rate: u32, min_count: u64) {
    let max_rate = Percent::whole(max_rate);
    let limit = FailureLimit {
        max_rate,
        min_count,
    };
    let limits = &mut plan.rollback_criteria.failure_limits;
    limits.insert(FailureKind::UpdatedThenSilent, limit);
}

fn retry_silence(plan: &mut Plan, times: u32) {
    let backoff = Seconds(300);
    plan.retries
        .insert(FailureKind::UpdatedThenSilent, Retry { times, backoff });
}

fn constant(per_minute: u64) -> Option<Rate> {
    Some(Rate {
        per_minute,
        growth: None,
    })
}

#[test]
fn a_single_failure_of_a_kind_needs_company() {
    let mut plan = sound();
    limit_silence(&mut plan, 1, 1);
    assert_eq!(
        warned(&plan, &[99, 901]),
        [
            "wave 1 has 99 devices, so that a single `updated_then_silent` is more than the limit of 1 %; raise min_count of that limit"
        ]
    );
    limit_silence(&mut plan, 1, 2);
    assert_eq!(warned(&plan, &[99, 901]), [""; 0]);
}

#[test]
fn a_slow_rate_is_told_from_one_that_grows() {
    let mut plan = sound();
    plan.pace.rate = constant(1);
    assert_eq!(
        warned(&plan, &[43_201]),
        [
            "pace.rate alone makes 43201 devices take more than 30 days; raise per_minute or let it grow"
        ]
    );
    assert_eq!(warned(&plan, &[43_200]), [""; 0]);
    plan.pace.rate = Some(doubling(1, 100, Counting::Succeeded));
    assert_eq!(warned(&plan, &[1_000_000]), [""; 0]);
}

#[test]
fn a_freeze_without_end_is_named() {
    let freeze = Freeze::new(Timestamp::UNIX_EPOCH, None, "audit").unwrap();
    assert_eq!(
        warned_while(&plan("immediate"), &[1], &[freeze]),
        [
            "no max_failure_rate: no number of failures stops this rollout by itself; set one",
            "wave 1 would not be over within ten years: widen the windows, end the freeze or raise the pace"
        ]
    );
}
