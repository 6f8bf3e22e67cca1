//! The fields of a plan that may come from the command line, from a file, or from answers; all optional until they are
//! put together.

use std::collections::BTreeMap;

use clap::Args;
use fleetward_server::api::types::{
    CriteriaRequest, FailureDomainView, PlanRequest, RateRequest, RetryView,
};
use serde::Deserialize;

use super::criteria::CriteriaFlags;
use super::pace::{self, RateFlags};
use crate::error::CliError;

/// What is known of a plan so far. The names are those of the API.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Fields of the plan")]
pub(super) struct PlanFields {
    /// What people will call it
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Why it exists
    #[arg(long)]
    pub(super) description: Option<String>,
    /// The version to deploy; it must have been uploaded
    #[arg(long, value_name = "VERSION")]
    pub(super) firmware_version: Option<String>,
    /// Where that version must have completed before
    #[arg(long, value_name = "ENV")]
    pub(super) source_environment: Option<String>,
    /// Whose devices to update
    #[arg(long, value_name = "ENV")]
    pub(super) target_environment: Option<String>,
    /// Which of them, by group; those of the environment when left out
    #[arg(long, value_delimiter = ',', value_name = "GROUP,…")]
    pub(super) device_groups: Option<Vec<String>>,
    /// How it is cut into waves
    #[arg(long, value_parser = ["blue_green", "canary", "rolling", "immediate"])]
    pub(super) strategy: Option<String>,
    /// Share of the matching devices to update at all
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) rollout_percentage: Option<f64>,
    /// Share of the targets in a canary's first wave
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) canary_percentage: Option<f64>,
    /// Cumulative shares after it
    #[arg(long, value_delimiter = ',', value_name = "PERCENT,…", value_parser = percent)]
    pub(super) canary_steps: Option<Vec<f64>>,
    /// Devices in one batch of a rolling rollout
    #[arg(long, value_name = "DEVICES", conflicts_with = "batch_percentage")]
    pub(super) batch_size: Option<u64>,
    /// Share of the targets in one batch of a rolling rollout
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) batch_percentage: Option<f64>,
    /// How long a wave is watched after its last device is through
    #[arg(long, value_name = "SECONDS")]
    pub(super) monitor_seconds: Option<u32>,
    /// Go back by itself when it trips, or halt and ask
    #[arg(long, value_name = "true|false")]
    pub(super) auto_rollback: Option<bool>,
    /// How long a device may take to come, and then to be through
    #[arg(long, value_name = "SECONDS")]
    pub(super) device_timeout: Option<u32>,
    /// What becomes of devices that don't come
    #[arg(long, value_parser = ["late", "skip", "wait"])]
    pub(super) offline_policy: Option<String>,
    /// How long a device may take to go back
    #[arg(long, value_name = "SECONDS")]
    rollback_timeout: Option<u32>,
    /// How long the whole rollout may take before it halts and asks
    #[arg(long, value_name = "SECONDS")]
    deployment_timeout: Option<u32>,
    /// What follows a wave that passed: the next one, or a question
    #[arg(long, value_parser = ["continue", "pause"])]
    on_pass: Option<String>,
    /// What follows a wave that can't be judged
    #[arg(long, value_parser = ["pause", "continue", "rollback"])]
    on_inconclusive: Option<String>,
    /// Version that devices must pass through on their way; may be given more than once, oldest first
    #[arg(long = "stepping-stone", value_name = "VERSION")]
    stepping_stones: Option<Vec<String>>,
    /// Update devices that join while it runs, too
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dynamic: Option<bool>,
    /// When to start: a time such as 2030-01-31T02:00:00Z, or a cron expression in UTC such as '0 2 * * MON'
    ///
    /// A file may have an object with `at`, or with `cron` and `timezone`.
    #[arg(long, value_name = "TEXT", value_parser = text)]
    schedule: Option<serde_json::Value>,
    /// Don't put it to the approvers yet
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    draft: Option<bool>,
    /// It can't wait for approvals and windows; takes a right of its own, and a review is owed
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    emergency: Option<bool>,
    /// Why it can't wait; needed with --emergency
    #[arg(long, value_name = "TEXT")]
    emergency_reason: Option<String>,
    /// Most devices that are under way at once
    #[arg(long, value_name = "DEVICES", help_heading = pace::HEADING)]
    max_in_flight: Option<u64>,
    /// Largest share of the devices of one place that may be under way at once, such as site=10
    #[arg(long, value_name = "ATTRIBUTE=PERCENT", value_parser = pace::failure_domain, help_heading = pace::HEADING)]
    failure_domain: Option<FailureDomainView>,
    #[command(flatten)]
    #[serde(skip)]
    rate_flags: RateFlags,
    #[command(flatten)]
    #[serde(skip)]
    pub(super) criteria: CriteriaFlags,
    /// As the flags of the rate.
    #[arg(skip)]
    rate: Option<RateRequest>,
    /// As the flags of the criteria.
    #[arg(skip)]
    rollback_criteria: Option<CriteriaRequest>,
    /// As the flags of the retries.
    #[arg(skip)]
    retries: Option<BTreeMap<String, RetryView>>,
    /// Refused by the server, which says so better than this program.
    #[arg(skip)]
    quality_gates: Option<serde_json::Value>,
}

impl PlanFields {
    /// These fields, and those of `other` where there is none here.
    pub(super) fn or(self, other: Self) -> Self {
        // A size on the command line stands against a share in the file, and the other way round.
        let batch = if self.batch_size.is_some() || self.batch_percentage.is_some() {
            &self
        } else {
            &other
        };
        Self {
            batch_size: batch.batch_size,
            batch_percentage: batch.batch_percentage,
            name: self.name.or(other.name),
            description: self.description.or(other.description),
            firmware_version: self.firmware_version.or(other.firmware_version),
            source_environment: self.source_environment.or(other.source_environment),
            target_environment: self.target_environment.or(other.target_environment),
            device_groups: self.device_groups.or(other.device_groups),
            strategy: self.strategy.or(other.strategy),
            rollout_percentage: self.rollout_percentage.or(other.rollout_percentage),
            canary_percentage: self.canary_percentage.or(other.canary_percentage),
            canary_steps: self.canary_steps.or(other.canary_steps),
            monitor_seconds: self.monitor_seconds.or(other.monitor_seconds),
            auto_rollback: self.auto_rollback.or(other.auto_rollback),
            device_timeout: self.device_timeout.or(other.device_timeout),
            offline_policy: self.offline_policy.or(other.offline_policy),
            rollback_timeout: self.rollback_timeout.or(other.rollback_timeout),
            deployment_timeout: self.deployment_timeout.or(other.deployment_timeout),
            on_pass: self.on_pass.or(other.on_pass),
            on_inconclusive: self.on_inconclusive.or(other.on_inconclusive),
            stepping_stones: self.stepping_stones.or(other.stepping_stones),
            dynamic: self.dynamic.or(other.dynamic),
            schedule: self.schedule.or(other.schedule),
            draft: self.draft.or(other.draft),
            emergency: self.emergency.or(other.emergency),
            emergency_reason: self.emergency_reason.or(other.emergency_reason),
            max_in_flight: self.max_in_flight.or(other.max_in_flight),
            failure_domain: self.failure_domain.or(other.failure_domain),
            // Flags are only here, and objects only in the file: `request` puts them together.
            rate_flags: self.rate_flags,
            criteria: self.criteria,
            rate: self.rate.or(other.rate),
            rollback_criteria: self.rollback_criteria.or(other.rollback_criteria),
            retries: self.retries.or(other.retries),
            quality_gates: self.quality_gates.or(other.quality_gates),
        }
    }

    /// The request that these fields make.
    ///
    /// # Errors
    /// Names every field that a plan can't do without and that is not there; there is a growth without a rate.
    pub(super) fn request(self) -> Result<PlanRequest, CliError> {
        let (Some(name), Some(firmware_version), Some(target_environment)) =
            (&self.name, &self.firmware_version, &self.target_environment)
        else {
            return Err(self.incomplete());
        };
        Ok(PlanRequest {
            name: name.clone(),
            firmware_version: firmware_version.clone(),
            target_environment: target_environment.clone(),
            description: self.description,
            source_environment: self.source_environment,
            device_groups: self.device_groups,
            strategy: self.strategy,
            rollout_percentage: self.rollout_percentage,
            canary_percentage: self.canary_percentage,
            canary_steps: self.canary_steps,
            batch_size: self.batch_size,
            batch_percentage: self.batch_percentage,
            monitor_seconds: self.monitor_seconds,
            rollback_criteria: self.criteria.over(self.rollback_criteria),
            auto_rollback: self.auto_rollback,
            device_timeout: self.device_timeout,
            offline_policy: self.offline_policy,
            rollback_timeout: self.rollback_timeout,
            deployment_timeout: self.deployment_timeout,
            max_in_flight: self.max_in_flight,
            rate: self.rate_flags.over(self.rate)?,
            failure_domain: self.failure_domain,
            on_pass: self.on_pass,
            on_inconclusive: self.on_inconclusive,
            retries: self.criteria.retries_over(self.retries),
            stepping_stones: self.stepping_stones,
            dynamic: self.dynamic,
            schedule: self.schedule,
            quality_gates: self.quality_gates,
            draft: self.draft,
            emergency: self.emergency,
            emergency_reason: self.emergency_reason,
        })
    }

    fn incomplete(&self) -> CliError {
        let needed = [
            ("name", "--name", self.name.is_none()),
            (
                "firmware_version",
                "--firmware-version",
                self.firmware_version.is_none(),
            ),
            (
                "target_environment",
                "--target-environment",
                self.target_environment.is_none(),
            ),
        ];
        let missing: Vec<String> = needed
            .into_iter()
            .filter(|(_, _, missing)| *missing)
            .map(|(field, flag, _)| format!("{field} ({flag})"))
            .collect();
        CliError::usage(format!("the plan has no {}", missing.join(" and no ")))
            .hint("give them as flags, in a file with --config FILE, or answer questions with --interactive")
    }
}

/// A text, which the server understands.
fn text(text: &str) -> Result<serde_json::Value, std::convert::Infallible> {
    Ok(text.into())
}

/// A share in percent, with or without its sign.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        Ok(_) | Err(_) => Err("give a share from 0 to 100, such as 10 or 2.5".to_owned()),
    }
}

#[cfg(test)]
mod tests;
