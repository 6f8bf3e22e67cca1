//! What limits a rollout, as the outside sees it: pace, times, verdicts, retries.

use std::collections::BTreeMap;

use fleetward_core::calendar::{Calendar, Schedule};
use fleetward_core::device::FailureKind;
use fleetward_core::plan::{
    Counting, FailureDomain, Judgement, OnInconclusive, OnPass, Rate, Retry, RollbackCriteria,
};

use crate::api::types::{
    CriteriaRequest, FailureDomainView, FailureLimitView, RateView, RetryView,
};

pub(super) fn criteria(criteria: &RollbackCriteria) -> CriteriaRequest {
    let limits: BTreeMap<String, FailureLimitView> = criteria
        .failure_limits
        .iter()
        .map(|(kind, limit)| {
            let limit = FailureLimitView {
                max_rate: limit.max_rate.into(),
                min_count: Some(limit.min_count),
            };
            (kind.name().to_owned(), limit)
        })
        .collect();
    CriteriaRequest {
        max_failure_rate: criteria.max_failure_rate.map(f64::from),
        judgement: Some(judgement(criteria.judgement).to_owned()),
        failure_limits: (!limits.is_empty()).then_some(limits),
        min_judged: Some(criteria.min_judged.into()),
        health_check_failure: criteria.health_check_failure,
        performance_degradation: criteria.performance_degradation.map(f64::from),
        user_reported_issues: criteria.user_reported_issues,
    }
}

pub(super) fn rate(rate: &Rate) -> RateView {
    let growth = rate.growth.as_ref();
    RateView {
        per_minute: rate.per_minute,
        factor: growth.map(|growth| growth.factor.into()),
        every: growth.map(|growth| growth.every),
        counting: growth.map(|growth| counting(growth.counting).to_owned()),
        maximum: growth.and_then(|growth| growth.maximum),
    }
}

pub(super) fn failure_domain(domain: &FailureDomain) -> FailureDomainView {
    FailureDomainView {
        attribute: domain.attribute.clone(),
        max_percentage: domain.max_percentage.into(),
    }
}

pub(super) fn schedule(schedule: &Schedule) -> serde_json::Value {
    serde_json::to_value(schedule).unwrap_or_default()
}

/// None where devices may be released at any time.
pub(super) fn calendar(calendar: &Calendar) -> Option<serde_json::Value> {
    let limited = !calendar.windows.is_empty();
    limited.then(|| serde_json::to_value(calendar).unwrap_or_default())
}

pub(super) fn retries(retries: &BTreeMap<FailureKind, Retry>) -> BTreeMap<String, RetryView> {
    let view = |retry: &Retry| RetryView {
        times: retry.times,
        backoff: Some(retry.backoff.0),
    };
    retries
        .iter()
        .map(|(kind, retry)| (kind.name().to_owned(), view(retry)))
        .collect()
}

pub(super) const fn on_pass(follows: OnPass) -> &'static str {
    match follows {
        OnPass::Continue => "continue",
        OnPass::Pause => "pause",
    }
}

pub(super) const fn on_inconclusive(follows: OnInconclusive) -> &'static str {
    match follows {
        OnInconclusive::Pause => "pause",
        OnInconclusive::Continue => "continue",
        OnInconclusive::Rollback => "rollback",
    }
}

const fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Threshold => "threshold",
        Judgement::Sequential => "sequential",
    }
}

const fn counting(counting: Counting) -> &'static str {
    match counting {
        Counting::Notified => "notified",
        Counting::Succeeded => "succeeded",
    }
}
