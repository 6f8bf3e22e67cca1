//! The rules that a plan's own values must obey. Rules about the world (does the version exist, who
//! may approve) are the server's.

use super::{Plan, Strategy};
use crate::percent::Percent;

/// One rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// The field.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

const NAME_MAX: usize = 200;
const DAY: u32 = 86_400;

impl Plan {
    /// Every rule that this plan breaks; empty for a sound plan.
    #[must_use]
    pub fn problems(&self) -> Vec<PlanProblem> {
        let mut found = Vec::new();
        let mut rule = |broken: bool, field: &'static str, message: &str| {
            if broken {
                found.push(PlanProblem {
                    field,
                    message: message.to_owned(),
                });
            }
        };
        rule(self.name.trim().is_empty(), "name", "give the plan a name");
        rule(
            self.name.chars().count() > NAME_MAX,
            "name",
            "use at most 200 characters",
        );
        rule(
            self.firmware_version.trim().is_empty(),
            "firmware_version",
            "name the version to deploy",
        );
        let none = Percent::default();
        for (field, percent) in [
            ("rollout_percentage", self.rollout_percentage),
            ("canary_percentage", self.canary_percentage),
            ("batch_percentage", self.batch_percentage),
        ] {
            rule(
                percent == none,
                field,
                "must be more than 0: a rollout to nobody is no rollout",
            );
        }
        rule(
            self.batch_size == Some(0),
            "batch_size",
            "must be at least 1",
        );
        let steps = &self.canary_steps;
        rule(
            self.strategy == Strategy::Canary && !steps.is_sorted_by(|a, b| a < b),
            "canary_steps",
            "each step must be larger than the one before: they are cumulative percentages",
        );
        rule(
            self.strategy == Strategy::Canary
                && steps
                    .first()
                    .is_some_and(|first| *first <= self.canary_percentage),
            "canary_steps",
            "the first step must be larger than canary_percentage: steps are cumulative",
        );
        rule(
            self.device_timeout.0 == 0,
            "device_timeout",
            "must be at least 1 second",
        );
        rule(
            self.device_timeout.0 > 30 * DAY,
            "device_timeout",
            "must be at most 30 days",
        );
        rule(
            self.rollback_timeout.0 == 0,
            "rollback_timeout",
            "must be at least 1 second",
        );
        rule(
            self.rollback_timeout.0 > 30 * DAY,
            "rollback_timeout",
            "must be at most 30 days",
        );
        rule(
            self.monitor_seconds.0 > 30 * DAY,
            "monitor_seconds",
            "must be at most 30 days",
        );
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::plan;
    use super::*;
    use crate::seconds::Seconds;

    #[test]
    fn each_rule_names_its_field() {
        type Break = fn(&mut Plan);
        let cases: [(&str, Break); 9] = [
            ("name", |p| p.name = " ".into()),
            ("firmware_version", |p| p.firmware_version.clear()),
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
        ];
        assert_eq!(plan(Strategy::Canary).problems(), []);
        for (field, break_it) in cases {
            let mut plan = plan(Strategy::Canary);
            break_it(&mut plan);
            let fields: Vec<_> = plan.problems().iter().map(|p| p.field).collect();
            assert_eq!(fields, [field]);
        }
    }
}
