//! Filling in what a plan's author left out: from the environment, the configuration, the defaults.

use fleetward_core::percent::Percent;
use fleetward_core::plan::{
    Canary, OfflinePolicy, OnInconclusive, OnPass, Pace, Plan, RollbackCriteria, Strategy,
};
use fleetward_core::seconds::Seconds;

use crate::api::types::{CriteriaRequest, PlanRequest};
use crate::app::error::Problem;
use crate::app::{App, AppError};
use crate::config;

/// How long a wave is watched when the plan does not say.
const WATCH: Seconds = Seconds(300);
const BATCH: Percent = Percent::whole(10);

/// Collects what is wrong with a request's fields.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Problem {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    fn percent(&mut self, field: &str, value: Option<f64>, default: Percent) -> Percent {
        match value.map(Percent::try_from) {
            None => default,
            Some(Ok(percent)) => percent,
            Some(Err(error)) => {
                self.add(field, error.to_string());
                default
            }
        }
    }

    fn word<T>(&mut self, field: &str, value: Option<&String>, default: T) -> T
    where
        T: serde::de::DeserializeOwned,
    {
        let Some(word) = value else { return default };
        match serde_json::from_value(serde_json::Value::String(word.clone())) {
            Ok(known) => known,
            Err(error) => {
                self.add(field, error.to_string());
                default
            }
        }
    }
}

impl App {
    /// The whole plan that a request means.
    ///
    /// # Errors
    /// Every value that can't be, at once.
    pub(super) fn complete(&self, request: &PlanRequest) -> Result<Plan, AppError> {
        let mut problems = Problems::default();
        let environment = self.config.environments.get(&request.target_environment);
        if environment.is_none() {
            let known: Vec<&str> = self
                .config
                .environments
                .keys()
                .map(String::as_str)
                .collect();
            let message = format!(
                "there is no environment `{}`: use one of {}",
                request.target_environment,
                known.join(", ")
            );
            problems.add("target_environment", message);
        }
        refuse_what_is_to_come(request, &mut problems);
        let strategy = problems.word(
            "strategy",
            request.strategy.as_ref(),
            strategy(self.config.strategy),
        );
        let watched = matches!(strategy, Strategy::Canary | Strategy::BlueGreen);
        let canary = configured(self.config.canary_percentage, Canary::PERCENTAGE);
        let canary_percentage =
            problems.percent("canary_percentage", request.canary_percentage, canary);
        let plan = Plan {
            name: request.name.clone(),
            description: request.description.clone().unwrap_or_default(),
            firmware_version: request.firmware_version.clone(),
            source_environment: request.source_environment.clone(),
            target_environment: request.target_environment.clone(),
            device_groups: request.device_groups.clone().unwrap_or_default(),
            strategy,
            rollout_percentage: problems.percent(
                "rollout_percentage",
                request.rollout_percentage,
                Percent::HUNDRED,
            ),
            canary_percentage,
            canary_steps: steps(
                request.canary_steps.as_deref(),
                canary_percentage,
                &mut problems,
            ),
            batch_size: request.batch_size,
            batch_percentage: problems.percent("batch_percentage", request.batch_percentage, BATCH),
            monitor_seconds: request
                .monitor_seconds
                .map_or(if watched { WATCH } else { Seconds(0) }, Seconds),
            rollback_criteria: self.criteria(request, &mut problems),
            auto_rollback: request
                .auto_rollback
                .unwrap_or_else(|| environment.is_some_and(|e| e.auto_rollback)),
            device_timeout: Seconds(
                request
                    .device_timeout
                    .unwrap_or(self.config.devices.device_timeout.0),
            ),
            rollback_timeout: Seconds(environment.map_or(1800, |e| e.rollback_timeout.0)),
            offline_policy: problems.word(
                "offline_policy",
                request.offline_policy.as_ref(),
                OfflinePolicy::Late,
            ),
            pace: Pace::default(),
            on_pass: OnPass::Continue,
            on_inconclusive: OnInconclusive::Pause,
            retries: std::collections::BTreeMap::new(),
            stepping_stones: Vec::new(),
            dynamic: false,
            deployment_timeout: None,
            blast_radius: None,
            security_floor: None,
            emergency: false,
        };
        for problem in plan.problems() {
            problems.add(problem.field, problem.message);
        }
        if problems.0.is_empty() {
            Ok(plan)
        } else {
            Err(AppError::Invalid(problems.0))
        }
    }

    fn criteria(&self, request: &PlanRequest, problems: &mut Problems) -> RollbackCriteria {
        let configured_here = self
            .config
            .rollback_criteria_in(&request.target_environment);
        let asked = request.rollback_criteria.clone().unwrap_or_default();
        let most = configured(configured_here.max_failure_rate, Percent::whole(10));
        let least = configured(configured_here.min_judged, Percent::whole(50));
        RollbackCriteria {
            max_failure_rate: Some(problems.percent(
                "rollback_criteria.max_failure_rate",
                asked.max_failure_rate,
                most,
            )),
            min_judged: problems.percent("rollback_criteria.min_judged", asked.min_judged, least),
            ..RollbackCriteria::default()
        }
    }
}

/// A plan that asks for what this version can't do is refused: ignoring it would deploy unguarded.
fn refuse_what_is_to_come(request: &PlanRequest, problems: &mut Problems) {
    let CriteriaRequest {
        health_check_failure,
        performance_degradation,
        user_reported_issues,
        max_failure_rate: _,
        min_judged: _,
    } = request.rollback_criteria.clone().unwrap_or_default();
    for (set, field) in [
        (request.schedule.is_some(), "schedule"),
        (request.quality_gates.is_some(), "quality_gates"),
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
            problems.add(field, "is not available in this version: leave it out");
        }
    }
}

/// The steps asked for, or the default ones that lie beyond the first wave.
fn steps(asked: Option<&[f64]>, first: Percent, problems: &mut Problems) -> Vec<Percent> {
    match asked {
        None => Canary::STEPS
            .into_iter()
            .filter(|step| *step > first)
            .collect(),
        Some(steps) => steps
            .iter()
            .map(|step| problems.percent("canary_steps", Some(*step), Percent::HUNDRED))
            .collect(),
    }
}

fn configured(percent: config::Percent, default: Percent) -> Percent {
    Percent::try_from((percent.0 * 100.0).round() / 100.0).unwrap_or(default)
}

const fn strategy(configured: config::Strategy) -> Strategy {
    match configured {
        config::Strategy::Immediate => Strategy::Immediate,
        config::Strategy::Rolling => Strategy::Rolling,
        config::Strategy::Canary => Strategy::Canary,
        config::Strategy::BlueGreen => Strategy::BlueGreen,
    }
}
