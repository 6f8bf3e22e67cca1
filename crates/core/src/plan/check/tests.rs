//! Each rule, broken once.

use super::super::tests_support::plan;
use super::super::{
    Counting, Factor, FailureDomain, FailureLimit, Growth, OnInconclusive, Rate, Retry,
};
use super::*;
use crate::seconds::Seconds;

/// A sound plan that uses every field.
fn full() -> Plan {
    let mut plan = plan(Strategy::Canary);
    plan.pace.max_in_flight = Some(10);
    plan.pace.rate = Some(Rate {
        per_minute: 5,
        growth: Some(Growth {
            factor: Factor::try_from(2.0).unwrap(),
            every: 1,
            counting: Counting::Succeeded,
            maximum: Some(5),
        }),
    });
    plan.pace.failure_domain = Some(FailureDomain {
        attribute: "site".into(),
        max_percentage: Percent::whole(1),
    });
    let criteria = &mut plan.rollback_criteria;
    criteria.max_failure_rate = Some(Percent::whole(5));
    criteria.judgement = Judgement::Sequential;
    for kind in [FailureKind::TimedOut, FailureKind::NeverContacted] {
        let max_rate = Percent::whole(1);
        let limit = FailureLimit {
            max_rate,
            min_count: 1,
        };
        criteria.failure_limits.insert(kind, limit);
    }
    let retry = Retry {
        times: 20,
        backoff: Seconds(7 * DAY),
    };
    plan.retries.insert(FailureKind::TimedOut, retry);
    plan.stepping_stones = vec!["1.0".into(), "1.1".into()];
    plan.deployment_timeout = Some(Seconds(60));
    plan.blast_radius = Some(1);
    plan.security_floor = Some("1.2".into());
    plan.on_inconclusive = OnInconclusive::Rollback;
    plan
}

fn growth(plan: &mut Plan) -> &mut Growth {
    let rate = plan.pace.rate.as_mut();
    rate.and_then(|rate| rate.growth.as_mut()).unwrap()
}

fn domain(plan: &mut Plan) -> &mut FailureDomain {
    plan.pace.failure_domain.as_mut().unwrap()
}

type Break = fn(&mut Plan);

fn expect(cases: &[(&str, Break)]) {
    for (index, (field, break_it)) in cases.iter().enumerate() {
        let mut plan = full();
        break_it(&mut plan);
        let fields: Vec<_> = plan.problems().iter().map(|p| p.field).collect();
        assert_eq!(fields, [*field], "case {index}");
    }
}

#[test]
fn a_sound_plan_breaks_no_rule() {
    assert_eq!(plan(Strategy::Canary).problems(), []);
    assert_eq!(full().problems(), []);
}

#[test]
fn each_rule_names_its_field() {
    expect(&[
        ("name", |p| p.name = " ".into()),
        ("rollout_percentage", |p| {
            p.rollout_percentage = Percent::default();
        }),
        ("canary_percentage", |p| {
            p.canary_percentage = Percent::default();
        }),
        ("batch_size", |p| p.batch_size = Some(0)),
        ("canary_steps", |p| {
            p.canary_steps = vec![Percent::whole(50), Percent::whole(20)];
        }),
        ("canary_steps", |p| p.canary_steps = vec![Percent::whole(5)]),
        ("device_timeout", |p| p.device_timeout = Seconds(0)),
        ("rollback_timeout", |p| {
            p.rollback_timeout = Seconds(31 * DAY);
        }),
        ("deployment_timeout", |p| {
            p.deployment_timeout = Some(Seconds(59));
        }),
        ("blast_radius", |p| p.blast_radius = Some(0)),
    ]);
    let mut nameless = plan(Strategy::Canary);
    nameless.firmware_version.clear();
    assert_eq!(nameless.problems()[0].field, "firmware_version");
}

#[test]
fn each_rule_of_the_pace_names_its_field() {
    expect(&[
        ("pace.max_in_flight", |p| p.pace.max_in_flight = Some(0)),
        ("pace.rate.per_minute", |p| {
            let rate = p.pace.rate.as_mut();
            rate.unwrap().per_minute = 0;
        }),
        ("pace.rate.growth.every", |p| growth(p).every = 0),
        ("pace.rate.growth.maximum", |p| growth(p).maximum = Some(4)),
        ("pace.failure_domain.attribute", |p| {
            domain(p).attribute = " ".into();
        }),
        ("pace.failure_domain.attribute", |p| {
            domain(p).attribute = "x".repeat(65);
        }),
        ("pace.failure_domain.max_percentage", |p| {
            domain(p).max_percentage = Percent::default();
        }),
    ]);
}

#[test]
fn each_rule_of_failures_names_its_field() {
    let limit_rate = "rollback_criteria.max_failure_rate";
    let limits = "rollback_criteria.failure_limits";
    expect(&[
        (limit_rate, |p| p.rollback_criteria.max_failure_rate = None),
        (limit_rate, |p| {
            p.rollback_criteria.max_failure_rate = Some(Percent::default());
        }),
        (limit_rate, |p| {
            p.rollback_criteria.max_failure_rate = Some(Percent::whole(50));
        }),
        (limits, |p| {
            let limits = &mut p.rollback_criteria.failure_limits;
            let limit = limits[&FailureKind::TimedOut];
            limits.insert(FailureKind::RollbackFailed, limit);
        }),
        ("rollback_criteria.failure_limits.min_count", |p| {
            let limits = &mut p.rollback_criteria.failure_limits;
            limits.values_mut().for_each(|limit| limit.min_count = 1);
            limits
                .entry(FailureKind::TimedOut)
                .and_modify(|limit| limit.min_count = 0);
        }),
        ("retries", |p| {
            let retry = p.retries[&FailureKind::TimedOut];
            p.retries.insert(FailureKind::NeverContacted, retry);
        }),
        ("retries.times", |p| {
            p.retries.values_mut().for_each(|retry| retry.times = 21);
        }),
        ("retries.backoff", |p| {
            p.retries
                .values_mut()
                .for_each(|retry| retry.backoff.0 += 1);
        }),
    ]);
}

#[test]
fn each_rule_of_versions_names_its_field() {
    let stones = "stepping_stones";
    expect(&[
        (stones, |p| p.stepping_stones.push(" ".into())),
        (stones, |p| p.stepping_stones.swap(0, 1)),
        (stones, |p| p.stepping_stones.push("v1.1.0".into())),
        (stones, |p| p.stepping_stones.push("1.2".into())),
        (stones, |p| {
            p.stepping_stones = (0..11).map(|n| format!("0.{n}")).collect();
        }),
        ("security_floor", |p| {
            p.security_floor = Some("1.2.1".into());
        }),
        ("security_floor", |p| p.security_floor = Some(String::new())),
    ]);
}
