//! Filling in what a plan's author left out: from the environment, the configuration, the defaults. How fast it goes is
//! in `pace`, when it stops and what is tried again in `criteria`, how wrong values are collected in `problems`.

mod criteria;
mod pace;
mod problems;

use std::ops::RangeInclusive;

use fleetward_core::calendar::Schedule;
use fleetward_core::percent::Percent;
use fleetward_core::plan::{Canary, OfflinePolicy, OnInconclusive, OnPass, Plan, Strategy};
use fleetward_core::seconds::Seconds;

use self::problems::Problems;
use crate::api::types::PlanRequest;
use crate::app::{App, AppError};
use crate::config::{self, Config, Environment};

/// How long a wave is watched when the plan does not say.
const WATCH: Seconds = Seconds(300);
const BATCH: Percent = Percent::whole(10);
/// From a minute to the ten years that any span in the configuration may have.
const WHOLE_ROLLOUT: RangeInclusive<u64> = 60..=315_360_000;
/// Numbers of devices; more is no limit to any fleet.
const DEVICES: RangeInclusive<u64> = 1..=1_000_000_000;

/// What a plan is made of, and what was found wrong on the way.
struct Filling<'a> {
    request: &'a PlanRequest,
    config: &'a Config,
    /// The target; none when it does not exist.
    environment: Option<&'a Environment>,
    problems: Problems,
}

impl App {
    /// The whole plan that a request means.
    ///
    /// # Errors
    /// Every value that can't be, at once.
    pub(super) fn complete(&self, request: &PlanRequest) -> Result<Plan, AppError> {
        let mut filling = Filling {
            request,
            config: &self.config,
            environment: self.config.environments.get(&request.target_environment),
            problems: Problems::default(),
        };
        filling.needs_environment();
        filling.refuse_what_is_to_come();
        let plan = filling.plan();
        let mut problems = filling.problems;
        for problem in plan.problems() {
            problems.add_rule(in_request(problem.field), problem.message);
        }
        problems.none_or_error().map(|()| plan)
    }
}

impl Filling<'_> {
    fn plan(&mut self) -> Plan {
        let request = self.request;
        let strategy = self.strategy();
        let canary_percentage = self.canary_percentage();
        Plan {
            name: request.name.clone(),
            description: request.description.clone().unwrap_or_default(),
            firmware_version: request.firmware_version.clone(),
            source_environment: request.source_environment.clone(),
            target_environment: request.target_environment.clone(),
            device_groups: self.device_groups(),
            strategy,
            rollout_percentage: self.rollout_percentage(),
            canary_percentage,
            canary_steps: self.canary_steps(canary_percentage),
            batch_size: request.batch_size,
            batch_percentage: self.batch_percentage(),
            monitor_seconds: self.monitor_seconds(strategy),
            rollback_criteria: self.rollback_criteria(),
            auto_rollback: self.auto_rollback(),
            device_timeout: self.device_timeout(),
            rollback_timeout: self.rollback_timeout(),
            offline_policy: self.offline_policy(),
            pace: self.pace(),
            calendar: self
                .environment
                .map(Environment::calendar)
                .unwrap_or_default(),
            schedule: self.schedule(),
            on_pass: self.on_pass(),
            on_inconclusive: self.on_inconclusive(),
            retries: self.retries(),
            stepping_stones: request.stepping_stones.clone().unwrap_or_default(),
            dynamic: request.dynamic.unwrap_or(false),
            deployment_timeout: self.deployment_timeout(),
            blast_radius: self.environment.and_then(|e| e.blast_radius),
            security_floor: self.environment.and_then(|e| e.security_floor.clone()),
            emergency: false,
        }
    }

    fn needs_environment(&mut self) {
        if self.environment.is_some() {
            return;
        }
        let known: Vec<&str> = self
            .config
            .environments
            .keys()
            .map(String::as_str)
            .collect();
        let message = format!(
            "there is no environment `{}`: use one of {}",
            self.request.target_environment,
            known.join(", ")
        );
        self.problems.add("target_environment", message);
    }

    /// Those of the environment where the plan names none.
    fn device_groups(&self) -> Vec<String> {
        match &self.request.device_groups {
            Some(groups) if !groups.is_empty() => groups.clone(),
            Some(_) | None => self
                .environment
                .map(|environment| environment.device_groups.clone())
                .unwrap_or_default(),
        }
    }

    fn strategy(&mut self) -> Strategy {
        let default = strategy(self.config.strategy);
        let asked = self.request.strategy.as_ref();
        self.problems.word("strategy", asked, default)
    }

    fn rollout_percentage(&mut self) -> Percent {
        let asked = self.request.rollout_percentage;
        self.problems
            .percent("rollout_percentage", asked, Percent::HUNDRED)
    }

    fn canary_percentage(&mut self) -> Percent {
        let asked = self.request.canary_percentage;
        let default = configured(self.config.canary_percentage, Canary::PERCENTAGE);
        self.problems.percent("canary_percentage", asked, default)
    }

    /// The steps asked for, or the default ones that lie beyond the first wave.
    fn canary_steps(&mut self, first: Percent) -> Vec<Percent> {
        let Some(asked) = &self.request.canary_steps else {
            let steps = Canary::STEPS.into_iter();
            return steps.filter(|step| *step > first).collect();
        };
        let mut step = |step| {
            self.problems
                .percent("canary_steps", Some(step), Percent::HUNDRED)
        };
        asked.iter().copied().map(&mut step).collect()
    }

    fn batch_percentage(&mut self) -> Percent {
        let asked = self.request.batch_percentage;
        self.problems.percent("batch_percentage", asked, BATCH)
    }

    fn monitor_seconds(&self, strategy: Strategy) -> Seconds {
        let default = match strategy {
            Strategy::Canary | Strategy::BlueGreen => WATCH,
            Strategy::Rolling | Strategy::Immediate => Seconds(0),
        };
        self.request.monitor_seconds.map_or(default, Seconds)
    }

    fn auto_rollback(&self) -> bool {
        let default = self.environment.is_some_and(|e| e.auto_rollback);
        self.request.auto_rollback.unwrap_or(default)
    }

    fn device_timeout(&self) -> Seconds {
        let default = self.config.devices.device_timeout.0;
        Seconds(self.request.device_timeout.unwrap_or(default))
    }

    fn rollback_timeout(&self) -> Seconds {
        let default = self.environment.map_or(1800, |e| e.rollback_timeout.0);
        Seconds(self.request.rollback_timeout.unwrap_or(default))
    }

    /// The plan's own, or the one that was configured. There is no default: a rollout may take weeks, and only who runs
    /// the server can say that none here should.
    fn deployment_timeout(&mut self) -> Option<Seconds> {
        let Some(asked) = self.request.deployment_timeout else {
            let configured = self.config.performance.deployment_timeout;
            // A plan has to be possible with any configuration that is.
            return configured.map(|timeout| Seconds(timeout.0.max(60)));
        };
        self.problems
            .within("deployment_timeout", asked.into(), WHOLE_ROLLOUT);
        Some(Seconds(asked))
    }

    fn schedule(&mut self) -> Option<Schedule> {
        let asked = self.request.schedule.clone()?;
        self.problems.value("schedule", asked)
    }

    fn offline_policy(&mut self) -> OfflinePolicy {
        let asked = self.request.offline_policy.as_ref();
        self.problems
            .word("offline_policy", asked, OfflinePolicy::Late)
    }

    fn on_pass(&mut self) -> OnPass {
        let asked = self.request.on_pass.as_ref();
        self.problems.word("on_pass", asked, OnPass::Continue)
    }

    fn on_inconclusive(&mut self) -> OnInconclusive {
        let asked = self.request.on_inconclusive.as_ref();
        self.problems
            .word("on_inconclusive", asked, OnInconclusive::Pause)
    }
}

/// Where a request has what the plan has in this place. A floor comes from the environment, so it is the version that
/// can be changed; what lies inside a map is named there with its key.
fn in_request(place: &str) -> &str {
    match place {
        "security_floor" => "firmware_version",
        "retries.times" | "retries.backoff" => "retries",
        "rollback_criteria.failure_limits.min_count" => "rollback_criteria.failure_limits",
        "pace.rate.growth.every" => "rate.every",
        "pace.rate.growth.maximum" => "rate.maximum",
        _ => place.strip_prefix("pace.").unwrap_or(place),
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
