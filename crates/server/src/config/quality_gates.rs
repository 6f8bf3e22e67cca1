//! `quality_gates`: the checks that must pass before and after a rollout.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;

/// Which gates a rollout has to pass, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QualityGates {
    /// Gates before the first device is released.
    pub pre_deployment: Vec<Gate>,
    /// Gates after the last wave, before the rollout counts as successful.
    pub post_deployment: Vec<Gate>,
}

/// A gate that is built in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The image is well formed, has its digest and signature, and is the version of the plan.
    FirmwareValidation,
    /// Model, revision and version of the targeted devices take the image.
    DeviceCompatibilityCheck,
    /// Signature policy, known vulnerabilities, secrets inside the image, deny-list.
    SecurityScan,
    /// Metrics of this version in the source environment are within their thresholds.
    PerformanceTest,
    /// The health checks of the environment pass.
    HealthCheck,
    /// The self-tests of the devices pass.
    FunctionalityTest,
    /// Metrics of the updated devices are no worse than before.
    PerformanceValidation,
    /// A person signs off.
    UserAcceptanceTest,
}

impl QualityGates {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        rules::distinct(&self.pre_deployment, &place.key("pre_deployment"), report);
        rules::distinct(&self.post_deployment, &place.key("post_deployment"), report);
    }
}
