//! The rules that a plan's own values must obey. Rules about the world (does the version exist, who
//! may approve) are the server's.

use super::{Judgement, Plan, Strategy};
use crate::device::FailureKind;
use crate::percent::Percent;
use crate::version::{self, Version};

/// One rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// The field, with dots before what lies inside it.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

const NAME_MAX: usize = 200;
const DAY: u32 = 86_400;
const ATTRIBUTE_MAX: usize = 64;
const RETRIES_MAX: u32 = 20;
const STONES_MAX: usize = 10;

impl Plan {
    /// Every rule that this plan breaks; empty for a sound plan.
    #[must_use]
    pub fn problems(&self) -> Vec<PlanProblem> {
        let mut rules = Findings::default();
        self.check_names(&mut rules);
        self.check_shares(&mut rules);
        self.check_times(&mut rules);
        self.check_pace(&mut rules);
        self.check_criteria(&mut rules);
        self.check_retries(&mut rules);
        self.check_stones(&mut rules);
        self.check_floor(&mut rules);
        rules.broken
    }

    fn check_names(&self, rules: &mut Findings) {
        rules.refuse(self.name.trim().is_empty(), "name", "give the plan a name");
        rules.refuse(
            self.name.chars().count() > NAME_MAX,
            "name",
            "use at most 200 characters",
        );
        rules.refuse(
            self.firmware_version.trim().is_empty(),
            "firmware_version",
            "name the version to deploy",
        );
    }

    fn check_shares(&self, rules: &mut Findings) {
        for (field, percent) in [
            ("rollout_percentage", self.rollout_percentage),
            ("canary_percentage", self.canary_percentage),
            ("batch_percentage", self.batch_percentage),
        ] {
            rules.refuse(
                percent == Percent::default(),
                field,
                "must be more than 0: a rollout to nobody is no rollout",
            );
        }
        rules.at_least_one(self.batch_size, "batch_size");
        rules.at_least_one(self.blast_radius, "blast_radius");
        let steps = &self.canary_steps;
        let canary = self.strategy == Strategy::Canary;
        rules.refuse(
            canary && !steps.is_sorted_by(|a, b| a < b),
            "canary_steps",
            "each step must be larger than the one before: they are cumulative percentages",
        );
        rules.refuse(
            canary
                && steps
                    .first()
                    .is_some_and(|first| *first <= self.canary_percentage),
            "canary_steps",
            "the first step must be larger than canary_percentage: steps are cumulative",
        );
    }

    fn check_times(&self, rules: &mut Findings) {
        for (field, timeout) in [
            ("device_timeout", self.device_timeout),
            ("rollback_timeout", self.rollback_timeout),
        ] {
            rules.refuse(timeout.0 == 0, field, "must be at least 1 second");
            rules.refuse(timeout.0 > 30 * DAY, field, "must be at most 30 days");
        }
        rules.refuse(
            self.monitor_seconds.0 > 30 * DAY,
            "monitor_seconds",
            "must be at most 30 days",
        );
        rules.refuse(
            self.deployment_timeout
                .is_some_and(|timeout| timeout.0 < 60),
            "deployment_timeout",
            "must be at least 60 seconds, or absent for no limit",
        );
    }

    fn check_pace(&self, rules: &mut Findings) {
        let pace = &self.pace;
        rules.at_least_one(pace.max_in_flight, "pace.max_in_flight");
        if let Some(rate) = &pace.rate {
            rules.at_least_one(Some(rate.per_minute), "pace.rate.per_minute");
        }
        if let Some((rate, growth)) = pace
            .rate
            .as_ref()
            .and_then(|rate| rate.growth.as_ref().map(|growth| (rate, growth)))
        {
            rules.at_least_one(Some(growth.every), "pace.rate.growth.every");
            rules.refuse(
                growth.maximum.is_some_and(|most| most < rate.per_minute),
                "pace.rate.growth.maximum",
                "must not be less than per_minute, where the rate begins",
            );
        }
        if let Some(domain) = &pace.failure_domain {
            let length = domain.attribute.trim().chars().count();
            rules.refuse(
                length == 0 || length > ATTRIBUTE_MAX,
                "pace.failure_domain.attribute",
                "name a device attribute with at most 64 characters",
            );
            rules.refuse(
                domain.max_percentage == Percent::default(),
                "pace.failure_domain.max_percentage",
                "must be more than 0, or no device could ever be updated",
            );
        }
    }

    fn check_criteria(&self, rules: &mut Findings) {
        let criteria = &self.rollback_criteria;
        let limit = criteria.max_failure_rate.unwrap_or_default();
        rules.refuse(
            criteria.judgement == Judgement::Sequential
                && (limit == Percent::default() || limit >= Percent::whole(50)),
            "rollback_criteria.max_failure_rate",
            "sequential judgement needs a limit above 0 and below 50: it tells half of the limit from twice of it; use threshold for other limits",
        );
        for (kind, limit) in &criteria.failure_limits {
            rules.refuse(
                !kind.of_update() && *kind != FailureKind::NeverContacted,
                "rollback_criteria.failure_limits",
                &format!(
                    "`{}` is no failure to take an update: limit only those and never_contacted",
                    kind.name()
                ),
            );
            rules.at_least_one(
                Some(limit.min_count),
                "rollback_criteria.failure_limits.min_count",
            );
        }
    }

    fn check_retries(&self, rules: &mut Findings) {
        for (kind, retry) in &self.retries {
            rules.refuse(
                !kind.of_update(),
                "retries",
                &format!(
                    "`{}` is no failure to take an update and can't be retried",
                    kind.name()
                ),
            );
            rules.refuse(
                retry.times > RETRIES_MAX,
                "retries.times",
                "must be at most 20: a device that failed so often needs a person",
            );
            rules.refuse(
                retry.backoff.0 > 7 * DAY,
                "retries.backoff",
                "must be at most 7 days",
            );
        }
    }

    fn check_stones(&self, rules: &mut Findings) {
        let field = "stepping_stones";
        let stones = &self.stepping_stones;
        rules.refuse(stones.len() > STONES_MAX, field, "name at most 10 versions");
        let nameless = stones.iter().find(|stone| Version::parse(stone).is_none());
        if let Some(stone) = nameless {
            let message =
                format!("`{stone}` is not a version that can be ordered: it has no digit");
            rules.refuse(true, field, &message);
            return;
        }
        rules.refuse(
            !stones.is_sorted_by(|a, b| version::compare(a, b).is_lt()),
            field,
            "must stand oldest first, each version once",
        );
        let target = &self.firmware_version;
        let beyond = stones
            .iter()
            .find(|stone| !version::is_below(stone, target));
        if let Some(stone) = beyond {
            let message = format!("`{stone}` is not below {target}: leave it out");
            rules.refuse(true, field, &message);
        }
    }

    fn check_floor(&self, rules: &mut Findings) {
        let Some(floor) = &self.security_floor else {
            return;
        };
        let field = "security_floor";
        if Version::parse(floor).is_none() {
            rules.refuse(true, field, "must be a version with at least one digit");
            return;
        }
        let target = &self.firmware_version;
        rules.refuse(
            version::is_below(target, floor),
            field,
            &format!("the plan deploys {target}, which is below the floor {floor}: deploy a newer version or lower the floor"),
        );
    }
}

/// Collects the rules that are broken.
#[derive(Default)]
struct Findings {
    broken: Vec<PlanProblem>,
}

impl Findings {
    fn refuse(&mut self, broken: bool, field: &'static str, message: &str) {
        if broken {
            let message = message.to_owned();
            self.broken.push(PlanProblem { field, message });
        }
    }

    fn at_least_one(&mut self, number: Option<u64>, field: &'static str) {
        self.refuse(number == Some(0), field, "must be at least 1");
    }
}

#[cfg(test)]
mod tests;
