//! `rollback_criteria`: when a rollout has gone wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::Percent;

/// The general criteria.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackCriteria {
    /// Percentage of the judged devices that may fail; one more trips.
    pub max_failure_rate: Percent,
    /// Whether a failed health check trips.
    pub health_check_failure: bool,
    /// Percentage by which the metrics of updated devices may get worse; not judged when left out.
    pub performance_degradation: Option<Percent>,
    /// Number of issues reported by users that trips; not counted when left out.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub user_reported_issues: Option<u32>,
    /// Percentage of a wave that must have come to fetch the update for the wave to be judged. With fewer, its verdict is
    /// inconclusive.
    pub min_judged: Percent,
}

/// The criteria of one environment; one that is left out is the general one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackOverride {
    /// Percentage of the judged devices that may fail; one more trips.
    pub max_failure_rate: Option<Percent>,
    /// Whether a failed health check trips.
    pub health_check_failure: Option<bool>,
    /// Percentage by which the metrics of updated devices may get worse.
    pub performance_degradation: Option<Percent>,
    /// Number of issues reported by users that trips.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub user_reported_issues: Option<u32>,
    /// Percentage of a wave that must have come to fetch the update for the wave to be judged.
    pub min_judged: Option<Percent>,
}

impl RollbackCriteria {
    /// These criteria with those of `environment` in their place.
    pub fn with(&self, environment: &RollbackOverride) -> Self {
        Self {
            max_failure_rate: environment
                .max_failure_rate
                .unwrap_or(self.max_failure_rate),
            health_check_failure: environment
                .health_check_failure
                .unwrap_or(self.health_check_failure),
            performance_degradation: environment
                .performance_degradation
                .or(self.performance_degradation),
            user_reported_issues: environment
                .user_reported_issues
                .or(self.user_reported_issues),
            min_judged: environment.min_judged.unwrap_or(self.min_judged),
        }
    }
}

impl Default for RollbackCriteria {
    fn default() -> Self {
        Self {
            max_failure_rate: Percent(10.0),
            health_check_failure: true,
            performance_degradation: None,
            user_reported_issues: None,
            min_judged: Percent(50.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Percent, RollbackCriteria, RollbackOverride};

    #[test]
    fn an_environment_replaces_only_what_it_names() {
        let general = RollbackCriteria::default();
        let environment = RollbackOverride {
            max_failure_rate: Some(Percent(2.0)),
            ..RollbackOverride::default()
        };
        let criteria = general.with(&environment);
        assert_eq!(criteria.max_failure_rate, Percent(2.0));
        assert_eq!(criteria.min_judged, general.min_judged);
    }
}
