//! `alerting`: rules that watch the metrics of the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::notifications::Channel;
use super::place::Place;
use super::report::Report;
use super::rules;

/// The alert rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Alerting {
    /// Rules, each looked at on its own.
    pub rules: Vec<AlertRule>,
}

/// A condition on the metrics, and what is said when it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Name of the alert; each rule has its own.
    pub name: String,
    /// Comparison of a metric with a number, such as `deployment_failure_rate > 0.1`. Several are joined by `and`.
    pub condition: String,
    /// How urgent the alert is.
    #[serde(default)]
    pub severity: Severity,
    /// What the people who are told should know.
    #[serde(default)]
    pub message: String,
    /// Seconds that the condition must hold before the alert fires.
    #[serde(default, rename = "for")]
    #[schemars(range(max = 31_536_000))]
    pub hold_seconds: u32,
    /// Channels that are told; those of `global` when empty.
    #[serde(default)]
    pub channels: Vec<Channel>,
}

/// How urgent an alert is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look soon.
    #[default]
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Alerting {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        for (index, rule) in self.rules.iter().enumerate() {
            let place = place.key("rules").item(index);
            rules::filled(&rule.name, &place.key("name"), report);
            if self.rules[..index]
                .iter()
                .any(|other| other.name == rule.name)
            {
                report.refuse(&place.key("name"), "is the name of an earlier rule too");
            }
            if let Err(message) = check_condition(&rule.condition) {
                report.refuse(&place.key("condition"), message);
            }
            rules::distinct(&rule.channels, &place.key("channels"), report);
        }
    }
}

fn check_condition(condition: &str) -> Result<(), String> {
    condition.split(" and ").try_for_each(check_comparison)
}

fn check_comparison(comparison: &str) -> Result<(), String> {
    let words: Vec<&str> = comparison.split_whitespace().collect();
    let [metric, operator, number] = words.as_slice() else {
        return Err(
            "must read `METRIC OPERATOR NUMBER`, such as `deployment_failure_rate > 0.1`"
                .to_owned(),
        );
    };
    let named = metric.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && metric
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    if !named {
        return Err(format!("`{metric}` is no name that a metric can have"));
    }
    if !["<", "<=", ">", ">=", "==", "!="].contains(operator) {
        return Err(format!(
            "`{operator}` is no comparison; use <, <=, >, >=, == or !="
        ));
    }
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(()),
        Ok(_) | Err(_) => Err(format!("`{number}` is no number to compare with")),
    }
}

#[cfg(test)]
mod tests {
    use super::check_condition;

    #[test]
    fn reads_comparisons() {
        assert_eq!(check_condition("deployment_failure_rate > 0.1"), Ok(()));
        assert_eq!(check_condition("a >= 1 and b != -2"), Ok(()));
        for wrong in ["", "a", "a > b", "1a > 1", "a => 1", "a > 1 and", "a > inf"] {
            assert!(check_condition(wrong).is_err(), "{wrong}");
        }
    }
}
