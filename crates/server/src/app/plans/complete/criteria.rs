//! When a plan stops, and which devices are tried again.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use fleetward_core::device::FailureKind;
use fleetward_core::judge::Boundary;
use fleetward_core::percent::Percent;
use fleetward_core::plan::{FailureLimit, Judgement, Retry, RollbackCriteria};
use fleetward_core::seconds::Seconds;

use super::problems::Problems;
use super::{DEVICES, Filling, configured};
use crate::api::types::{CriteriaRequest, FailureLimitView, RetryView};

/// A device that failed so often needs a person.
const TIMES: RangeInclusive<u64> = 1..=20;
/// Up to a week.
const BACKOFF: RangeInclusive<u64> = 1..=604_800;
const USUAL_BACKOFF: u32 = 300;

impl Filling<'_> {
    pub(super) fn rollback_criteria(&mut self) -> RollbackCriteria {
        let here = self
            .config
            .rollback_criteria_in(&self.request.target_environment);
        let asked = self.request.rollback_criteria.clone().unwrap_or_default();
        let most = configured(here.max_failure_rate, Percent::whole(10));
        let least = configured(here.min_judged, Percent::whole(50));
        let problems = &mut self.problems;
        let field = "rollback_criteria.max_failure_rate";
        let max_failure_rate = problems.percent(field, asked.max_failure_rate, most);
        let judgement = problems.word(
            "rollback_criteria.judgement",
            asked.judgement.as_ref(),
            Judgement::Threshold,
        );
        RollbackCriteria {
            max_failure_rate: Some(max_failure_rate),
            judgement,
            // Fixed here, so that it is part of what is approved.
            boundary: match judgement {
                Judgement::Sequential => Boundary::new(max_failure_rate),
                Judgement::Threshold => None,
            },
            failure_limits: failure_limits(&asked.failure_limits.unwrap_or_default(), problems),
            min_judged: problems.percent("rollback_criteria.min_judged", asked.min_judged, least),
            ..RollbackCriteria::default()
        }
    }

    pub(super) fn retries(&mut self) -> BTreeMap<FailureKind, Retry> {
        let Some(asked) = &self.request.retries else {
            return BTreeMap::new();
        };
        let problems = &mut self.problems;
        let of_update = FailureKind::of_update;
        let mut retries = BTreeMap::new();
        for (kind, RetryView { times, backoff }) in asked {
            let field = format!("retries.{kind}");
            let backoff = backoff.unwrap_or(USUAL_BACKOFF);
            problems.within(&format!("{field}.times"), (*times).into(), TIMES);
            problems.within(&format!("{field}.backoff"), backoff.into(), BACKOFF);
            if let Some(kind) = known_kind(&field, kind, of_update, problems) {
                let retry = Retry {
                    times: *times,
                    backoff: Seconds(backoff),
                };
                retries.insert(kind, retry);
            }
        }
        retries
    }

    /// A plan that asks for what this version can't do is refused: ignoring it would deploy unguarded.
    pub(super) fn refuse_what_is_to_come(&mut self) {
        let CriteriaRequest {
            health_check_failure,
            performance_degradation,
            user_reported_issues,
            max_failure_rate: _,
            judgement: _,
            failure_limits: _,
            min_judged: _,
        } = self.request.rollback_criteria.clone().unwrap_or_default();
        for (set, field) in [
            (self.request.quality_gates.is_some(), "quality_gates"),
            (
                health_check_failure == Some(true),
                "rollback_criteria.health_check_failure",
            ),
            (
                performance_degradation.is_some(),
                "rollback_criteria.performance_degradation",
            ),
            (
                user_reported_issues.is_some(),
                "rollback_criteria.user_reported_issues",
            ),
        ] {
            if set {
                let message = "is not available in this version: leave it out";
                self.problems.add(field, message);
            }
        }
    }
}

fn failure_limits(
    asked: &BTreeMap<String, FailureLimitView>,
    problems: &mut Problems,
) -> BTreeMap<FailureKind, FailureLimit> {
    let of_wave = |kind: FailureKind| kind.of_update() || kind == FailureKind::NeverContacted;
    let mut limits = BTreeMap::new();
    for (kind, limit) in asked {
        let field = format!("rollback_criteria.failure_limits.{kind}");
        let max_rate = problems.percent(
            &format!("{field}.max_rate"),
            Some(limit.max_rate),
            Percent::HUNDRED,
        );
        let min_count = limit.min_count.unwrap_or(1);
        problems.within(&format!("{field}.min_count"), min_count, DEVICES);
        if let Some(kind) = known_kind(&field, kind, of_wave, problems) {
            let limit = FailureLimit {
                max_rate,
                min_count,
            };
            limits.insert(kind, limit);
        }
    }
    limits
}

/// The kind with this name, if it is one of those that can be meant here: a rule about others would never apply.
fn known_kind(
    field: &str,
    name: &str,
    meant: impl Fn(FailureKind) -> bool,
    problems: &mut Problems,
) -> Option<FailureKind> {
    let kinds = || FailureKind::ALL.into_iter().filter(|kind| meant(*kind));
    let found = kinds().find(|kind| kind.name() == name);
    if found.is_none() {
        let names: Vec<&str> = kinds().map(FailureKind::name).collect();
        let message = format!(
            "`{name}` is not a kind of failure that this can be said of: use one of {}",
            names.join(", ")
        );
        problems.add(field, message);
    }
    found
}
