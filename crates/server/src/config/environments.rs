//! `environments`: the stages of the path from development to production, and the rules of each.

use std::collections::BTreeMap;

use fleetward_core::calendar::Calendar;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::freeze_periods::{self, FreezePeriod};
use super::health_checks::{self, HealthCheck};
use super::notifications::Channel;
use super::place::Place;
use super::quality_gates::QualityGates;
use super::report::Report;
use super::rollback::RollbackOverride;
use super::rules;
use super::values::{Seconds, Secret};
use super::window::{self, DeploymentWindow, WindowTimezone};

/// One environment: devices and the rules for deploying to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Name for people; the key of the environment when left out.
    pub name: Option<String>,
    /// How far along the path the environment is; promotion goes from stage to stage.
    pub stage: Stage,
    /// What the environment is for.
    #[serde(default)]
    pub description: String,
    /// Addresses of services that belong to the environment, by name.
    #[serde(default)]
    pub api_endpoints: BTreeMap<String, String>,
    /// Device groups that a plan for this environment targets when it names none.
    #[serde(default)]
    pub device_groups: Vec<String>,
    /// Whether a plan for this environment must be approved before it can be executed. Without it, plans are approved
    /// when they are created.
    #[serde(default)]
    pub approval_required: bool,
    /// Whether devices go back to the version they had when a rollout trips. Without it, the rollout halts and asks an
    /// operator.
    #[serde(default)]
    pub auto_rollback: bool,
    /// Address that must answer with a success for the environment to be healthy.
    pub health_check_url: Option<String>,
    /// Channels for news about this environment; those of `global` when empty.
    #[serde(default)]
    pub notification_channels: Vec<Channel>,
    /// Time of day in which devices may be released; any time when left out.
    pub deployment_window: Option<DeploymentWindow>,
    /// Times in which devices may be released, where one window is not enough; devices may be released while any of
    /// them is open. Not together with `deployment_window`.
    #[serde(default)]
    pub deployment_windows: Vec<DeploymentWindow>,
    /// Whose clock the windows are read on.
    #[serde(default)]
    pub window_timezone: WindowTimezone,
    /// Times in which nothing is released in this environment, added to the general ones.
    #[serde(default)]
    pub freeze_periods: Vec<FreezePeriod>,
    /// How many executions may run in this environment at once; more are queued. Only the limit of `performance` holds
    /// when left out.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_deployments: Option<u32>,
    /// How many devices of this environment may run something new that has not proved itself yet, over all executions;
    /// not limited when left out.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub blast_radius: Option<u64>,
    /// Version below which no device of this environment goes, not even in a rollback; none when left out.
    pub security_floor: Option<String>,
    /// Seconds that a rollback may take before what is left of it is handed to an operator.
    #[serde(default = "half_an_hour")]
    pub rollback_timeout: Seconds,
    /// What a plan with a `source_environment` needs from that environment.
    #[serde(default)]
    pub promotion: Promotion,
    /// How devices join the environment.
    #[serde(default)]
    pub enrollment: Enrollment,
    /// Tokens that a gateway may present for any device of the environment, and that enroll devices it does not know yet.
    #[serde(default)]
    pub gateway_tokens: Vec<Secret>,
    /// Health checks of this environment, added to the general ones; one of the same name replaces it.
    #[serde(default)]
    pub health_checks: BTreeMap<String, HealthCheck>,
    /// Quality gates of this environment, instead of the general ones.
    pub quality_gates: Option<QualityGates>,
    /// Rollback criteria of this environment; a criterion that is left out is the general one.
    #[serde(default)]
    pub rollback_criteria: RollbackOverride,
}

/// A part of the path from development to production, in its order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Firmware is being written.
    Development,
    /// Firmware is tried on purpose.
    Testing,
    /// Firmware runs as it will in production.
    Staging,
    /// Firmware runs at its users.
    Production,
}

/// Whether a version must have completed successfully in a plan's source environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promotion {
    /// It must; the plan is refused otherwise.
    #[default]
    Strict,
    /// It should; the plan carries a warning otherwise.
    Warn,
    /// It need not.
    Off,
}

/// How devices join an environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enrollment {
    /// Any device that asks is taken in.
    Open,
    /// A device that presents a token is taken in.
    #[default]
    Token,
    /// Only an operator takes devices in.
    Closed,
}

impl Environment {
    /// An environment of `stage` with the default of every other key.
    pub fn of(stage: Stage) -> Self {
        Self {
            name: None,
            stage,
            description: String::new(),
            api_endpoints: BTreeMap::new(),
            device_groups: Vec::new(),
            approval_required: false,
            auto_rollback: false,
            health_check_url: None,
            notification_channels: Vec::new(),
            deployment_window: None,
            deployment_windows: Vec::new(),
            window_timezone: WindowTimezone::default(),
            freeze_periods: Vec::new(),
            max_concurrent_deployments: None,
            blast_radius: None,
            security_floor: None,
            rollback_timeout: half_an_hour(),
            promotion: Promotion::default(),
            enrollment: Enrollment::default(),
            gateway_tokens: Vec::new(),
            health_checks: BTreeMap::new(),
            quality_gates: None,
            rollback_criteria: RollbackOverride::default(),
        }
    }

    /// The name for people of the environment under `key`.
    pub fn title<'e>(&'e self, key: &'e str) -> &'e str {
        self.name.as_deref().unwrap_or(key)
    }

    /// When devices of the environment may be released, as far as its windows say.
    ///
    /// # Panics
    /// When the configuration was not checked, and a window is none.
    pub fn calendar(&self) -> Calendar {
        let windows = self.deployment_window.iter();
        let windows = windows.chain(&self.deployment_windows);
        Calendar {
            windows: windows.map(DeploymentWindow::window).collect(),
            window_timezone: self.window_timezone.into(),
        }
    }

    fn review(&self, place: &Place, report: &mut Report<'_>) {
        if let Some(name) = &self.name {
            rules::filled(name, &place.key("name"), report);
        }
        for (name, url) in &self.api_endpoints {
            let place = place.key("api_endpoints").key(name);
            rules::url(url, rules::HTTP, &place, report);
        }
        for (index, group) in self.device_groups.iter().enumerate() {
            rules::filled(group, &place.key("device_groups").item(index), report);
        }
        rules::distinct(&self.device_groups, &place.key("device_groups"), report);
        let health = place.key("health_check_url");
        rules::optional_url(self.health_check_url.as_ref(), rules::HTTP, &health, report);
        let channels = place.key("notification_channels");
        rules::distinct(&self.notification_channels, &channels, report);
        let window = self.deployment_window.as_ref();
        window::review(window, &self.deployment_windows, place, report);
        freeze_periods::review(&self.freeze_periods, &place.key("freeze_periods"), report);
        if let Some(version) = &self.security_floor {
            rules::version(version, &place.key("security_floor"), report);
        }
        for (index, token) in self.gateway_tokens.iter().enumerate() {
            rules::filled_secret(
                Some(token),
                &place.key("gateway_tokens").item(index),
                report,
            );
        }
        rules::distinct(&self.gateway_tokens, &place.key("gateway_tokens"), report);
        health_checks::review(&self.health_checks, &place.key("health_checks"), report);
        if let Some(gates) = &self.quality_gates {
            gates.review(&place.key("quality_gates"), report);
        }
    }
}

/// The four environments of a file that defines none.
pub(crate) fn defaults() -> BTreeMap<String, Environment> {
    let named = |name: &str, stage, description: &str| Environment {
        name: Some(name.to_owned()),
        description: description.to_owned(),
        auto_rollback: true,
        ..Environment::of(stage)
    };
    let development = Environment {
        auto_rollback: false,
        ..named(
            "Development",
            Stage::Development,
            "Devices on the desks of the firmware team",
        )
    };
    let testing = named("Testing", Stage::Testing, "Devices of the test bench");
    let staging = named(
        "Staging",
        Stage::Staging,
        "Devices that run as they will in production",
    );
    let production = Environment {
        approval_required: true,
        ..named("Production", Stage::Production, "Devices at their users")
    };
    [
        ("development", development),
        ("testing", testing),
        ("staging", staging),
        ("production", production),
    ]
    .map(|(key, environment)| (key.to_owned(), environment))
    .into()
}

pub(crate) fn review(
    environments: &BTreeMap<String, Environment>,
    place: &Place,
    report: &mut Report<'_>,
) {
    if environments.is_empty() && report.marks.has(place) && report.problems.is_empty() {
        report.refuse(place, "needs at least one environment");
    }
    for (key, environment) in environments {
        let place = place.key(key);
        review_key(key, &place, report);
        environment.review(&place, report);
        let twin = environments
            .iter()
            .find(|(other, twin)| *other < key && twin.title(other) == environment.title(key));
        if let Some((other, _)) = twin {
            let message =
                format!("is the name of the environment `{other}` too; names must differ");
            report.refuse(&place.key("name"), message);
        }
    }
}

fn review_key(key: &str, place: &Place, report: &mut Report<'_>) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if key == "default" {
        let message =
            "`default` is the address of devices that name no environment; use another name";
        report.refuse(place, message);
    } else if key.is_empty() || key.len() > 64 || !key.chars().all(allowed) {
        let lowered = key.to_ascii_lowercase().replace([' ', '.'], "-");
        let usable = !lowered.is_empty() && lowered.len() <= 64 && lowered.chars().all(allowed);
        let message =
            "the name of an environment has 1 to 64 of the characters a-z, 0-9, `_` and `-`";
        report.refuse_but(place, message, usable.then_some(lowered));
    }
}

fn half_an_hour() -> Seconds {
    Seconds(1_800)
}
