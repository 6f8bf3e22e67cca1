//! Plans as people read them.

use fleetward_server::api::types::{CriteriaRequest, PlanView, RateView};
use serde_json::Value;

use super::life;
use crate::page::{Page, moment};

/// Writes a plan, what its author should know, and what to do with it now.
pub(super) fn write(page: &mut Page, plan: &PlanView) {
    let criteria = &plan.rollback_criteria;
    let percent = |share: Option<f64>| share.map(|share| format!("{share} %")).unwrap_or_default();
    let mut fields = vec![
        ("Plan", plan.plan_id.clone()),
        ("Name", plan.name.clone()),
        ("Description", plan.description.clone()),
        ("Status", plan.status.clone()),
    ];
    fields.extend(life::standing(plan));
    fields.extend([
        (
            "Brings",
            format!("{} to {}", plan.firmware_version, plan.target_environment),
        ),
        (
            "Proven in",
            plan.source_environment.clone().unwrap_or_default(),
        ),
        ("Groups", plan.device_groups.join(", ")),
        ("Strategy", plan.strategy.clone()),
        ("Share of devices", percent(Some(plan.rollout_percentage))),
        ("Waves now", waves(&plan.waves)),
        ("Passes through", plan.stepping_stones.join(", ")),
        ("Starts", schedule(plan.schedule.as_ref())),
        ("Released between", windows(plan.calendar.as_ref())),
        ("Pace", pace(plan)),
        ("Watched for", format!("{} s a wave", plan.monitor_seconds)),
        ("Most failures", percent(criteria.max_failure_rate)),
        ("Judged by", criteria.judgement.clone().unwrap_or_default()),
        ("Most of one kind", failure_limits(criteria)),
        ("Least that must come", percent(criteria.min_judged)),
        (
            "On a trip",
            if plan.auto_rollback {
                "goes back"
            } else {
                "halts and asks"
            }
            .to_owned(),
        ),
        ("After a pass", plan.on_pass.clone()),
        ("Without a verdict", plan.on_inconclusive.clone()),
        ("Tried again", retries(plan)),
        (
            "Time for a device",
            format!(
                "{} s, and {} s to go back",
                plan.device_timeout, plan.rollback_timeout
            ),
        ),
        ("Time for all of it", seconds(plan.deployment_timeout)),
        ("Devices that stay away", plan.offline_policy.clone()),
        ("Devices that join", joining(plan).to_owned()),
        (
            "Most at risk",
            count(plan.blast_radius, "devices of the environment"),
        ),
        (
            "Never below",
            plan.security_floor.clone().unwrap_or_default(),
        ),
        ("Digest", plan.digest.clone()),
        (
            "Created",
            format!("{} by {}", moment(&plan.created_at), plan.created_by),
        ),
    ]);
    page.fields(&fields);
    life::write_said(page, plan);
    life::write_next(page, plan);
}

fn waves(sizes: &[u64]) -> String {
    match sizes {
        [] => "none: no device matches".to_owned(),
        [only] => format!("1, with {only} devices"),
        sizes => {
            let words: Vec<String> = sizes.iter().map(u64::to_string).collect();
            format!("{}, with {} devices", sizes.len(), words.join(" + "))
        }
    }
}

/// What limits the pace, in words; nothing where nothing does.
fn pace(plan: &PlanView) -> String {
    let domain = plan.failure_domain.as_ref().map(|domain| {
        let (share, attribute) = (domain.max_percentage, &domain.attribute);
        format!("at most {share} % of each {attribute} under way")
    });
    let under_way = plan
        .max_in_flight
        .map(|most| format!("at most {most} devices under way"));
    let limits = [under_way, plan.rate.as_ref().map(rate), domain];
    limits.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn rate(rate: &RateView) -> String {
    let mut text = format!("{} a minute", rate.per_minute);
    if let (Some(factor), Some(every)) = (rate.factor, rate.every) {
        let counted = match rate.counting.as_deref() {
            Some("notified") => "were offered it",
            Some(_) | None => "took it",
        };
        text += &format!(", times {factor} after every {every} that {counted}");
    }
    if let Some(maximum) = rate.maximum {
        text += &format!(", up to {maximum}");
    }
    text
}

fn failure_limits(criteria: &CriteriaRequest) -> String {
    let limits = criteria.failure_limits.iter().flatten();
    let each = limits.map(|(kind, limit)| match limit.min_count {
        Some(count) if count > 1 => {
            format!("{kind} {} %, from {count} devices", limit.max_rate)
        }
        Some(_) | None => format!("{kind} {} %", limit.max_rate),
    });
    each.collect::<Vec<_>>().join("; ")
}

fn retries(plan: &PlanView) -> String {
    let each = plan.retries.iter().map(|(kind, retry)| {
        let wait = retry.backoff.unwrap_or_default();
        format!("{kind} {} times, first after {wait} s", retry.times)
    });
    each.collect::<Vec<_>>().join("; ")
}

fn schedule(schedule: Option<&Value>) -> String {
    let text = |name| schedule.and_then(|schedule| schedule[name].as_str());
    match (text("at"), text("cron"), text("timezone")) {
        (Some(at), _, _) => moment(at),
        (None, Some(cron), zone) => format!("{cron} ({})", zone.unwrap_or("UTC")),
        (None, None, _) => String::new(),
    }
}

/// The windows of a calendar, such as `22:00 to 06:00 on fri (Europe/Berlin)`.
fn windows(calendar: Option<&Value>) -> String {
    let windows = calendar.and_then(|calendar| calendar["windows"].as_array());
    let each = windows.into_iter().flatten().map(|window| {
        let text = |name: &str| window[name].as_str().unwrap_or_default();
        let days = window["days"].as_array().filter(|days| days.len() < 7);
        let days: Vec<&str> = days
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let on = if days.is_empty() { "" } else { " on " };
        let (start, end, zone) = (text("start_time"), text("end_time"), text("timezone"));
        format!("{start} to {end}{on}{} ({zone})", days.join(", "))
    });
    each.collect::<Vec<_>>().join("; ")
}

const fn joining(plan: &PlanView) -> &'static str {
    if plan.dynamic { "updated too" } else { "" }
}

fn seconds(seconds: Option<u32>) -> String {
    count(seconds.map(u64::from), "s")
}

fn count(number: Option<u64>, of: &str) -> String {
    number
        .map(|number| format!("{number} {of}"))
        .unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use fleetward_server::api::types::PlanView;
    use serde_json::{Value, json};

    use super::write;
    use crate::page::{Page, Style};

    /// A plan that is whole, with changes.
    pub(in super::super) fn plan(changes: &Value) -> PlanView {
        let mut plan = json!({
            "plan_id": "plan_1", "status": "approved", "name": "n", "description": "", "firmware_version": "2.0",
            "target_environment": "lab", "device_groups": [], "strategy": "rolling", "rollout_percentage": 100,
            "canary_percentage": 10, "canary_steps": [], "batch_percentage": 10, "monitor_seconds": 0,
            "rollback_criteria": {"max_failure_rate": 10}, "auto_rollback": true, "device_timeout": 60,
            "rollback_timeout": 60, "offline_policy": "late", "on_pass": "continue", "on_inconclusive": "pause",
            "retries": {}, "stepping_stones": [], "dynamic": false, "digest": "d", "waves": [5], "warnings": [],
            "created_at": "c", "created_by": "me",
        });
        for (name, value) in changes.as_object().unwrap() {
            plan[name] = value.clone();
        }
        serde_json::from_value(plan).unwrap()
    }

    /// What is shown beside a name; empty where the name is not there.
    fn shown(plan: &PlanView, name: &str) -> String {
        let mut page = Page::new(Style { color: false });
        write(&mut page, plan);
        let line = page.text().lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    }

    #[test]
    fn limits_are_told_in_words() {
        let plan = plan(&json!({
            "max_in_flight": 50,
            "rate": {"per_minute": 10, "factor": 1.5, "every": 100, "counting": "notified", "maximum": 90},
            "failure_domain": {"attribute": "site", "max_percentage": 12.5},
            "retries": {"timed_out": {"times": 2, "backoff": 300}},
            "rollback_criteria": {
                "judgement": "sequential",
                "failure_limits": {"install_failed": {"max_rate": 2.5, "min_count": 1}, "timed_out": {"max_rate": 5, "min_count": 3}},
            },
            "stepping_stones": ["1.0", "1.5"], "dynamic": true, "deployment_timeout": 3600,
            "blast_radius": 500, "security_floor": "0.9",
            "schedule": {"cron": "0 2 * * MON", "timezone": "Europe/Berlin"},
            "calendar": {"windows": [
                {"start_time": "22:00", "end_time": "06:00", "days": ["friday", "saturday"], "timezone": "UTC"},
            ]},
        }));
        for (name, text) in [
            (
                "Pace",
                "at most 50 devices under way; 10 a minute, times 1.5 after every 100 that were offered it, up to 90; \
                 at most 12.5 % of each site under way",
            ),
            ("Tried again", "timed_out 2 times, first after 300 s"),
            ("Judged by", "sequential"),
            (
                "Most of one kind",
                "install_failed 2.5 %; timed_out 5 %, from 3 devices",
            ),
            ("Passes through", "1.0, 1.5"),
            ("Devices that join", "updated too"),
            ("Time for all of it", "3600 s"),
            ("Most at risk", "500 devices of the environment"),
            ("Never below", "0.9"),
            ("Starts", "0 2 * * MON (Europe/Berlin)"),
            (
                "Released between",
                "22:00 to 06:00 on friday, saturday (UTC)",
            ),
        ] {
            assert_eq!(shown(&plan, name), text);
        }
    }

    #[test]
    fn what_nobody_limited_is_left_out() {
        let plan = plan(&json!({}));
        for name in [
            "Pace",
            "Tried again",
            "Most of one kind",
            "Starts",
            "Never below",
        ] {
            assert_eq!(shown(&plan, name), "");
        }
        assert_eq!(shown(&plan, "After a pass"), "continue");
    }
}
