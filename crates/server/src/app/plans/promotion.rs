//! Whether a plan's version has proved itself on the path to where it is to go.

use std::collections::BTreeMap;

use fleetward_store::firmware::Firmware;
use fleetward_store::plans::StoredPlan;
use fleetward_store::{Tx, executions};

use super::approve::words;
use crate::app::environments::stage_name;
use crate::app::{App, AppError, Call};
use crate::auth::Right;
use crate::config::{Promotion, Stage};

impl App {
    /// What a plan's version has not done that it should have; nothing where promotion is off.
    pub(in crate::app) fn unproved(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        image: &Firmware,
    ) -> Result<Vec<String>, AppError> {
        let mut found = Vec::new();
        let Some(source) = &stored.plan.source_environment else {
            return Ok(found);
        };
        let target = self.configured(&stored.plan.target_environment)?;
        if target.promotion == Promotion::Off {
            return Ok(found);
        }
        let version = &image.version;
        let completed =
            |environment: &str| executions::completed(tx, environment, image.firmware_key);
        if !completed(source)? {
            found.push(format!("version {version} has not completed in `{source}`"));
        }
        // The source may have left the configuration since; then nothing is known of its stage.
        let Some(from) = self.config.environments.get(source).map(|e| e.stage) else {
            return Ok(found);
        };
        for (stage, environments) in self.between(from, target.stage) {
            let mut proved = false;
            for environment in &environments {
                proved |= completed(environment)?;
            }
            if !proved {
                found.push(format!(
                    "the stage {} is skipped: version {version} has not completed in {}",
                    stage_name(stage),
                    listed(&environments)
                ));
            }
        }
        Ok(found)
    }

    /// Refuses a version that has not proved itself where promotion is strict, unless the caller may override that and
    /// says why, which is audited.
    pub(in crate::app) fn check_promotion(
        &self,
        tx: &Tx<'_>,
        call: &Call,
        (stored, image): (&StoredPlan, &Firmware),
        reason: Option<&String>,
    ) -> Result<(), AppError> {
        let unproved = self.unproved(tx, stored, image)?;
        if unproved.is_empty() {
            return Ok(());
        }
        let rule = self.configured(&stored.plan.target_environment)?.promotion;
        match (reason, rule) {
            (Some(reason), Promotion::Strict | Promotion::Warn) => {
                let detail = serde_json::json!({
                    "revision": stored.revision, "reason": reason, "unproved": unproved,
                });
                Ok(call.audit(tx, "plan.promotion_override", &stored.plan_id, &detail)?)
            }
            (None, Promotion::Strict) => {
                let detail = format!(
                    "{}: deploy it there first (promotion is strict); an admin can override this with \
                     `override_promotion` and a reason",
                    unproved.join("; ")
                );
                Err(AppError::conflict("not_promoted", detail))
            }
            (None, Promotion::Warn) | (_, Promotion::Off) => Ok(()),
        }
    }

    /// The environments of each stage that lies strictly between two others.
    fn between(&self, from: Stage, to: Stage) -> BTreeMap<Stage, Vec<&str>> {
        let mut found: BTreeMap<Stage, Vec<&str>> = BTreeMap::new();
        for (name, environment) in &self.config.environments {
            if from < environment.stage && environment.stage < to {
                found.entry(environment.stage).or_default().push(name);
            }
        }
        found
    }
}

/// Refuses an override by somebody who may not, or without a reason, whether or not it is needed.
///
/// # Errors
/// As said.
pub(in crate::app) fn check_override(call: &Call, reason: Option<&String>) -> Result<(), AppError> {
    let Some(reason) = reason else { return Ok(()) };
    call.needs(Right::Promote)?;
    words("override_promotion", reason)
}

fn listed(environments: &[&str]) -> String {
    let quoted: Vec<String> = environments
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    quoted.join(" or ")
}
