//! The fields of a plan that may come from the command line, from a file, or from answers; all optional until they are
//! put together.

use clap::Args;
use fleetward_server::api::types::{CriteriaRequest, PlanRequest};
use serde::Deserialize;

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
    /// Which of them, by group; all when left out
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
    /// Most failures before it stops
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    #[serde(skip)]
    pub(super) max_failure_rate: Option<f64>,
    /// Least share of a wave that must come for a verdict
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    #[serde(skip)]
    pub(super) min_judged: Option<f64>,
    /// When to stop.
    #[arg(skip)]
    rollback_criteria: Option<CriteriaRequest>,
    /// Go back by itself when it trips, or halt and ask
    #[arg(long, value_name = "true|false")]
    pub(super) auto_rollback: Option<bool>,
    /// How long a device may take to come, and then to be through
    #[arg(long, value_name = "SECONDS")]
    pub(super) device_timeout: Option<u32>,
    /// What becomes of devices that don't come
    #[arg(long, value_parser = ["late", "skip", "wait"])]
    pub(super) offline_policy: Option<String>,
    /// Refused by the server, which says so better than this program.
    #[arg(skip)]
    schedule: Option<serde_json::Value>,
    /// As `schedule`.
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
            max_failure_rate: self.max_failure_rate.or(other.max_failure_rate),
            min_judged: self.min_judged.or(other.min_judged),
            rollback_criteria: self.rollback_criteria.or(other.rollback_criteria),
            auto_rollback: self.auto_rollback.or(other.auto_rollback),
            device_timeout: self.device_timeout.or(other.device_timeout),
            offline_policy: self.offline_policy.or(other.offline_policy),
            schedule: self.schedule.or(other.schedule),
            quality_gates: self.quality_gates.or(other.quality_gates),
        }
    }

    /// The request that these fields make.
    ///
    /// # Errors
    /// Names every field that a plan can't do without and that is not there.
    pub(super) fn request(self) -> Result<PlanRequest, CliError> {
        let rollback_criteria = self.criteria();
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
            rollback_criteria,
            auto_rollback: self.auto_rollback,
            device_timeout: self.device_timeout,
            offline_policy: self.offline_policy,
            schedule: self.schedule,
            quality_gates: self.quality_gates,
        })
    }

    /// The criteria of the file, with those of the command line instead where they are given.
    fn criteria(&self) -> Option<CriteriaRequest> {
        if self.rollback_criteria.is_none()
            && self.max_failure_rate.is_none()
            && self.min_judged.is_none()
        {
            return None;
        }
        let mut criteria = self.rollback_criteria.clone().unwrap_or_default();
        criteria.max_failure_rate = self.max_failure_rate.or(criteria.max_failure_rate);
        criteria.min_judged = self.min_judged.or(criteria.min_judged);
        Some(criteria)
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

/// A share in percent, with or without its sign.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        Ok(_) | Err(_) => Err("give a share from 0 to 100, such as 10 or 2.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{PlanFields, percent};

    fn parse(yaml: &str) -> PlanFields {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let file = parse(
            "name: a\nfirmware_version: 1.10\ntarget_environment: production\nbatch_percentage: 10\n\
             rollback_criteria: { max_failure_rate: 5, min_judged: 80 }",
        );
        let flags = PlanFields {
            name: Some("b".to_owned()),
            batch_size: Some(7),
            max_failure_rate: Some(2.0),
            ..PlanFields::default()
        };
        let request = flags.or(file).request().unwrap();
        assert_eq!(
            (request.name.as_str(), request.firmware_version.as_str()),
            ("b", "1.10")
        );
        assert_eq!(
            (request.batch_size, request.batch_percentage),
            (Some(7), None)
        );
        let criteria = request.rollback_criteria.unwrap();
        assert_eq!(
            (criteria.max_failure_rate, criteria.min_judged),
            (Some(2.0), Some(80.0))
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_flag() {
        let error = parse("name: a").request().unwrap_err().to_string();
        assert!(
            error.contains("firmware_version (--firmware-version) and no target_environment"),
            "{error}"
        );
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_saphyr::from_str::<PlanFields>("strategie: canary").is_err());
    }

    #[test]
    fn shares_may_have_their_sign() {
        assert_eq!((percent("2.5 %"), percent("100")), (Ok(2.5), Ok(100.0)));
        assert!(percent("101").is_err() && percent("NaN").is_err() && percent("ten").is_err());
    }
}
