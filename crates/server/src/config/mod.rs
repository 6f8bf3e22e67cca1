//! The configuration file `deployment-config.yaml`: one struct per topic, each key with its doc comment, from which the
//! JSON Schema and the reference page are made. `check` takes a file apart in stages and reports everything at once:
//! parse (`tree`), look up `${…}` (`sources`), compare with the schema (`shape`), apply the rules of each topic
//! (`review` functions), warn (`placeholders`, `not_in_effect`). What the keys do is elsewhere.

mod alerting;
mod approvals;
mod cache;
mod database;
mod devices;
mod environments;
mod expected;
mod firmware;
mod freeze_periods;
mod global;
mod health_checks;
mod logging;
mod network;
mod not_in_effect;
mod notifications;
mod performance;
mod place;
mod placeholders;
mod problem;
mod quality_gates;
mod report;
mod rollback;
mod rules;
mod schema;
mod security;
mod shape;
mod sources;
mod strategy;
mod suggest;
mod tree;
mod values;
mod window;

use std::collections::BTreeMap;
use std::path::Path;

use fleetward_core::calendar::Freeze;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::place::Place;
use self::report::Report;

pub use self::alerting::{AlertRule, Alerting, Severity};
pub use self::approvals::Approvals;
pub use self::cache::{Cache, CacheType};
pub use self::database::Database;
pub use self::devices::{Devices, FeedbackAfterEnd};
pub use self::environments::{Enrollment, Environment, Promotion, Stage};
pub use self::firmware::Firmware;
pub use self::freeze_periods::FreezePeriod;
pub use self::global::Global;
pub use self::health_checks::{
    DatabaseCheck, DevicesCheck, HealthCheck, HttpCheck, MqttCheck, PrometheusCheck, TcpCheck,
};
pub use self::logging::{LogLevel, Logging};
pub use self::network::{Network, NetworkError};
pub use self::not_in_effect::{NOT_IN_EFFECT, NotInEffect};
pub use self::notifications::{Channel, Email, Notifications, Slack, Webhook};
pub use self::performance::Performance;
pub use self::placeholders::serve_refusals;
pub use self::problem::{ConfigError, Problem, Warning};
pub use self::quality_gates::{Gate, QualityGates};
pub use self::rollback::{RollbackCriteria, RollbackOverride};
pub use self::schema::schema;
pub use self::security::{Algorithm, Encryption, RateLimiting, Security};
pub use self::sources::Sources;
pub use self::strategy::Strategy;
pub use self::values::{HttpMethod, Percent, Seconds, Secret};
pub use self::window::{DeploymentWindow, Weekday, WindowTimezone};

/// The configuration of a Fleetward server. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What holds for the whole installation.
    pub global: Global,
    /// The environments by their key, which the API and the CLI use; development, testing, staging and production when
    /// left out.
    pub environments: BTreeMap<String, Environment>,
    /// Times in which nothing is released in any environment.
    pub freeze_periods: Vec<FreezePeriod>,
    /// Health checks of every environment, by name.
    pub health_checks: BTreeMap<String, HealthCheck>,
    /// The channels over which people and programs are told what happens.
    pub notifications: Notifications,
    /// Gates that a rollout has to pass in every environment that names none of its own.
    pub quality_gates: QualityGates,
    /// When a rollout has gone wrong.
    pub rollback_criteria: RollbackCriteria,
    /// Strategy of a plan that names none.
    pub strategy: Strategy,
    /// Percentage of the devices in the first wave of a canary plan that names none; above 0.
    pub canary_percentage: Percent,
    /// Who must agree to a plan.
    pub approvals: Approvals,
    /// How devices speak to the server.
    pub devices: Devices,
    /// What images are taken in.
    pub firmware: Firmware,
    /// Who may speak to the API, how often, from where, and what is encrypted.
    pub security: Security,
    /// The log and the audit trail.
    pub logging: Logging,
    /// Rules that watch the metrics of the server.
    pub alerting: Alerting,
    /// Limits on what runs at once and for how long.
    pub performance: Performance,
    /// Where replicas share what is costly to compute; off when absent.
    pub cache: Option<Cache>,
    /// Where the server keeps its data when several replicas share it.
    pub database: Database,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            global: Global::default(),
            environments: environments::defaults(),
            freeze_periods: Vec::new(),
            health_checks: BTreeMap::new(),
            notifications: Notifications::default(),
            quality_gates: QualityGates::default(),
            rollback_criteria: RollbackCriteria::default(),
            strategy: Strategy::default(),
            canary_percentage: Percent(10.0),
            approvals: Approvals::default(),
            devices: Devices::default(),
            firmware: Firmware::default(),
            security: Security::default(),
            logging: Logging::default(),
            alerting: Alerting::default(),
            performance: Performance::default(),
            cache: None,
            database: Database::default(),
        }
    }
}

impl Config {
    /// The commented sample file, whose values are the defaults.
    pub fn default_file() -> &'static str {
        include_str!("default.yaml")
    }

    /// The environments in the order of the path: by stage, then by key.
    pub fn path(&self) -> Vec<(&str, &Environment)> {
        let mut path: Vec<(&str, &Environment)> = self
            .environments
            .iter()
            .map(|(key, environment)| (key.as_str(), environment))
            .collect();
        path.sort_by_key(|(_, environment)| environment.stage);
        path
    }

    /// The rollback criteria that hold in the environment `key`; the general ones for an unknown key.
    pub fn rollback_criteria_in(&self, key: &str) -> RollbackCriteria {
        match self.environments.get(key) {
            Some(environment) => self.rollback_criteria.with(&environment.rollback_criteria),
            None => self.rollback_criteria.clone(),
        }
    }

    /// All freeze periods, each with the key of its environment: first the general ones, which have none, then those of
    /// the environments in the order of the path.
    ///
    /// # Panics
    /// When the configuration was not checked, and a freeze period is none.
    pub fn freezes(&self) -> impl Iterator<Item = (Option<&str>, Freeze)> {
        let general = self.freeze_periods.iter().map(|period| (None, period));
        let own = self.path().into_iter().flat_map(|(key, environment)| {
            let periods = environment.freeze_periods.iter();
            periods.map(move |period| (Some(key), period))
        });
        let periods = general.chain(own);
        periods.map(|(key, period)| (key, period.freeze()))
    }

    fn review(&self, report: &mut Report<'_>) {
        let root = Place::root();
        self.global.review(&root.key("global"), report);
        environments::review(&self.environments, &root.key("environments"), report);
        freeze_periods::review(&self.freeze_periods, &root.key("freeze_periods"), report);
        health_checks::review(&self.health_checks, &root.key("health_checks"), report);
        self.notifications
            .review(&root.key("notifications"), report);
        self.quality_gates
            .review(&root.key("quality_gates"), report);
        if self.canary_percentage <= Percent(0.0) {
            report.refuse(&root.key("canary_percentage"), "must be above 0");
        }
        self.devices.review(&root.key("devices"), report);
        self.security.review(&root.key("security"), report);
        self.logging.review(&root.key("logging"), report);
        self.alerting.review(&root.key("alerting"), report);
        if let Some(cache) = &self.cache {
            cache.review(&root.key("cache"), report);
        }
        self.database.review(&root.key("database"), report);
    }
}

/// Reads the configuration in `text`. `file_name` is how problems name the file; paths in `${file:PATH}` are relative to
/// its folder.
///
/// # Errors
/// Everything that is wrong with the file, in its order.
pub fn check(
    file_name: &str,
    text: &str,
    sources: &Sources,
) -> Result<(Config, Vec<Warning>), ConfigError> {
    let mut report = Report::new(file_name);
    let folder = Path::new(file_name).parent().unwrap_or(Path::new(""));
    let config = read(text, sources, folder, &mut report);
    match config {
        Some(config) if report.problems.is_empty() => {
            Ok((config, problem::in_file_order(report.warnings)))
        }
        Some(_) | None => Err(ConfigError {
            problems: problem::in_file_order(report.problems),
        }),
    }
}

/// As [`check`], for the file at `path`, which is read through `sources`.
///
/// # Errors
/// As [`check`], and a file that cannot be read.
pub fn load(path: &Path, sources: &Sources) -> Result<(Config, Vec<Warning>), ConfigError> {
    let name = path.display().to_string();
    match sources.read(path) {
        Ok(text) => check(&name, &text, sources),
        Err(error) => {
            let mut problem = Problem::without_place("", format!("cannot be read: {error}"));
            problem.file = name;
            Err(ConfigError {
                problems: vec![problem],
            })
        }
    }
}

/// The parts of a file that are right; `None`, with at least one problem, when nothing can be made of it.
fn read(text: &str, sources: &Sources, folder: &Path, report: &mut Report<'_>) -> Option<Config> {
    let mut root = tree::parse(text, report)?;
    sources::interpolate(&mut root, &Place::root(), sources, folder, report);
    let fitting = shape::fit(&root, &schema(), report)?;
    let config = match serde_json::from_value::<Config>(fitting) {
        Ok(config) => config,
        Err(error) => {
            report.refuse(&Place::root(), format!("cannot be used: {error}"));
            return None;
        }
    };
    config.review(report);
    placeholders::warn(&root, &Place::root(), report);
    not_in_effect::warn(&root, report);
    Some(config)
}
