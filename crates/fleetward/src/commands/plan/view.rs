//! Plans as people read them.

use fleetward_server::api::types::PlanView;

use crate::page::{Page, moment};

/// Writes a plan, what its author should know, and what to do with it now.
pub(super) fn write(page: &mut Page, plan: &PlanView) {
    let criteria = &plan.rollback_criteria;
    let percent = |share: Option<f64>| share.map(|share| format!("{share} %")).unwrap_or_default();
    page.fields(&[
        ("Plan", plan.plan_id.clone()),
        ("Name", plan.name.clone()),
        ("Description", plan.description.clone()),
        ("Status", plan.status.clone()),
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
        ("Watched for", format!("{} s a wave", plan.monitor_seconds)),
        ("Most failures", percent(criteria.max_failure_rate)),
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
        (
            "Time for a device",
            format!(
                "{} s, and {} s to go back",
                plan.device_timeout, plan.rollback_timeout
            ),
        ),
        ("Devices that stay away", plan.offline_policy.clone()),
        ("Digest", plan.digest.clone()),
        (
            "Created",
            format!("{} by {}", moment(&plan.created_at), plan.created_by),
        ),
        ("Approved", approval(plan)),
    ]);
    for warning in &plan.warnings {
        page.line(format!("\nwarning: {warning}"));
    }
    if let Some(next) = what_next(plan) {
        page.line(format!("\n{next}"));
    }
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

fn approval(plan: &PlanView) -> String {
    let Some(at) = &plan.approved_at else {
        return String::new();
    };
    let by = plan.approved_by.as_deref().unwrap_or("somebody");
    let comment = plan
        .comment
        .as_deref()
        .filter(|comment| !comment.is_empty());
    let comment = comment
        .map(|comment| format!(": {comment}"))
        .unwrap_or_default();
    format!("{} by {by}{comment}", moment(at))
}

fn what_next(plan: &PlanView) -> Option<String> {
    let id = &plan.plan_id;
    match plan.status.as_str() {
        "pending_approval" => Some(format!("It needs an approval: fleetward plan approve {id}")),
        "approved" => Some(format!(
            "Start it: fleetward deploy execute --plan-id {id} --wait"
        )),
        "executed" => Some(format!(
            "It was started: fleetward deploy list --plan-id {id}"
        )),
        _ => None,
    }
}
