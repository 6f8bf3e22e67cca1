//! The keys that are accepted and checked but change nothing in this version, so that nobody relies on them unknowingly.

use super::place::Place;
use super::report::Report;
use super::tree::{Node, Value};

/// A key that changes nothing in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInEffect {
    /// The key; `*` stands for any key of a mapping.
    pub path: &'static str,
    /// A value that is what the server does anyway, and so deserves no warning.
    pub except: Option<&'static str>,
    /// What happens instead.
    pub instead: &'static str,
}

/// Every key that changes nothing in this version. A key stands for all keys below it.
pub const NOT_IN_EFFECT: &[NotInEffect] = &[
    key("global.notification_channels", "nobody is notified"),
    key("environments.*.notification_channels", "nobody is notified"),
    key(
        "environments.*.health_check_url",
        "the address is not called",
    ),
    key(
        "environments.*.api_endpoints",
        "the addresses are shown and not called",
    ),
    key("environments.*.health_checks", "no health check runs"),
    key("environments.*.quality_gates", "no gate runs"),
    key(
        "environments.*.rollback_criteria.health_check_failure",
        "no health check runs",
    ),
    key(
        "environments.*.rollback_criteria.performance_degradation",
        "metrics are not judged",
    ),
    key(
        "environments.*.rollback_criteria.user_reported_issues",
        "issues are not counted",
    ),
    key("health_checks", "no health check runs"),
    key("notifications", "nobody is notified"),
    key("quality_gates", "no gate runs"),
    key(
        "rollback_criteria.health_check_failure",
        "no health check runs",
    ),
    key(
        "rollback_criteria.performance_degradation",
        "metrics are not judged",
    ),
    key(
        "rollback_criteria.user_reported_issues",
        "issues are not counted",
    ),
    key(
        "security.rate_limiting",
        "requests are not limited; limit them in a proxy",
    ),
    key(
        "security.ip_whitelist",
        "any address may use the API; restrict it in a firewall",
    ),
    key(
        "security.encryption",
        "data is not encrypted at rest; encrypt the disk",
    ),
    key(
        "security.trusted_proxies",
        "the address of a client is the one that it connects from",
    ),
    NotInEffect {
        path: "logging.detailed_logging",
        except: Some("false"),
        instead: "the log has one level of detail",
    },
    NotInEffect {
        path: "logging.audit_logging",
        except: Some("true"),
        instead: "the audit trail is always kept",
    },
    key(
        "logging.log_file",
        "audit entries are kept in the database only",
    ),
    key("alerting", "no rule is evaluated"),
    key("performance.health_check_timeout", "no health check runs"),
    key("cache", "nothing is cached outside the server"),
    key(
        "database",
        "PostgreSQL is not used; data is kept in SQLite in the data directory",
    ),
];

const fn key(path: &'static str, instead: &'static str) -> NotInEffect {
    NotInEffect {
        path,
        except: None,
        instead,
    }
}

/// Warns once for each listed key that `root` sets, at the first place that sets it.
pub(crate) fn warn(root: &Node, report: &mut Report<'_>) {
    for listed in NOT_IN_EFFECT {
        let steps: Vec<&str> = listed.path.split('.').collect();
        let mut places = Vec::new();
        find(root, &Place::root(), &steps, listed.except, &mut places);
        let [first, others @ ..] = places.as_slice() else {
            continue;
        };
        let more = match others.len() {
            0 => String::new(),
            1 => " (also set in 1 more place)".to_owned(),
            count => format!(" (also set in {count} more places)"),
        };
        let message = format!("is not in effect in this version: {}{more}", listed.instead);
        report.warn(first, message);
    }
}

fn find(node: &Node, place: &Place, steps: &[&str], except: Option<&str>, found: &mut Vec<Place>) {
    let [step, rest @ ..] = steps else {
        if !matches!(node.value, Value::Nothing) && !reads_as(node, except) {
            found.push(place.clone());
        }
        return;
    };
    for entry in node.entries() {
        if *step == "*" || *step == entry.key {
            find(&entry.node, &place.key(&entry.key), rest, except, found);
        }
    }
}

fn reads_as(node: &Node, word: Option<&str>) -> bool {
    match &node.value {
        Value::Bool(value) => word == Some(if *value { "true" } else { "false" }),
        Value::Text { text, .. } => word == Some(text),
        Value::Nothing | Value::Number(_) | Value::List(_) | Value::Map(_) => false,
    }
}
