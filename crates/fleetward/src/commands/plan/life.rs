//! The life of a plan as people read it: who agreed, who is missing, what is owed, and what comes next.

use fleetward_server::api::types::PlanView;

use crate::page::{Page, moment, optional_moment};

/// How the server calls whoever did not have to ask anybody.
const NOBODY: [&str; 2] = ["policy", "emergency"];

/// Where a plan stands, beside its status: names with their values, those without one to be left out.
pub(super) fn standing(plan: &PlanView) -> Vec<(&'static str, String)> {
    let emergency = "waits for no approval and no window";
    let devices = plan.approved_devices.map(devices);
    let revision = Some(plan.revision).filter(|revision| *revision > 0);
    vec![
        (
            "Revision",
            revision
                .map(|number| number.to_string())
                .unwrap_or_default(),
        ),
        (
            "Emergency",
            if plan.emergency { emergency } else { "" }.to_owned(),
        ),
        ("Approvals", approvals(plan).unwrap_or_default()),
        ("Approved for", devices.unwrap_or_default()),
        ("Expires", optional_moment(plan.expires_at.as_ref())),
        (
            "Review",
            if owes_or_had_review(plan) {
                &plan.review
            } else {
                ""
            }
            .to_owned(),
        ),
    ]
}

/// The same in one cell of a table.
pub(super) fn in_a_cell(plan: &PlanView) -> String {
    match (plan.emergency, plan.review.as_str()) {
        (true, "owed") => "emergency, review owed".to_owned(),
        (true, "done") => "emergency, reviewed".to_owned(),
        (true, _) => "emergency".to_owned(),
        (false, _) => approvals(plan).unwrap_or_else(|| "-".to_owned()),
    }
}

/// Writes who said what of the newest revision.
pub(super) fn write_said(page: &mut Page, plan: &PlanView) {
    if plan.approvals.is_empty() {
        return;
    }
    page.heading("Said of this revision");
    let rows = plan.approvals.iter().map(|said| {
        vec![
            moment(&said.at),
            said.by.clone(),
            said.verdict.clone(),
            said.comment.clone().unwrap_or_default(),
        ]
    });
    page.table(&["WHEN", "BY", "VERDICT", "COMMENT"], rows);
}

/// Writes what its author should know, and what to do with the plan now.
pub(super) fn write_next(page: &mut Page, plan: &PlanView) {
    for warning in &plan.warnings {
        page.line(format!("\nwarning: {warning}"));
    }
    let steps = next(plan);
    if !steps.is_empty() {
        page.line("");
    }
    for step in steps {
        page.line(step);
    }
}

/// How many of those who must approve it have; nothing where nobody has to.
fn approvals(plan: &PlanView) -> Option<String> {
    let required = plan.approvals_required;
    if plan.emergency || required == 0 {
        return None;
    }
    let given = match plan.status.as_str() {
        "pending_approval" => u64::from(required.saturating_sub(plan.approvals_missing)),
        _ => {
            let people = plan
                .approvals
                .iter()
                .filter(|said| said.verdict == "approved" && !NOBODY.contains(&said.by.as_str()));
            people.count() as u64
        }
    };
    Some(format!("{given} of {required}"))
}

fn owes_or_had_review(plan: &PlanView) -> bool {
    matches!(plan.review.as_str(), "owed" | "done")
}

fn devices(devices: u64) -> String {
    match devices {
        1 => "1 device".to_owned(),
        devices => format!("{devices} devices"),
    }
}

fn next(plan: &PlanView) -> Vec<String> {
    let id = &plan.plan_id;
    let mut steps = Vec::new();
    match plan.status.as_str() {
        "draft" => steps.push(format!(
            "It is a draft. Put it to the approvers: fleetward plan submit {id}"
        )),
        "pending_approval" => {
            let needs = match plan.approvals_missing {
                0 | 1 if plan.approvals_required > 1 => "one more approval".to_owned(),
                0 | 1 => "an approval".to_owned(),
                more => format!("{more} more approvals, by {more} people"),
            };
            steps.push(format!("It needs {needs}: fleetward plan approve {id}"));
        }
        "approved" => steps.push(format!(
            "Start it: fleetward deploy execute --plan-id {id} --wait"
        )),
        "executed" => steps.push(format!(
            "It was started: fleetward deploy list --plan-id {id}"
        )),
        "rejected" | "expired" => steps.push(format!(
            "Change it, which makes a revision that can be approved: fleetward plan edit {id} --config FILE"
        )),
        _ => {}
    }
    if plan.review == "owed" {
        steps.push(format!(
            "It owes a review by somebody who did not write it: fleetward plan review {id} --comment TEXT"
        ));
    }
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::view::tests::plan;
    use super::{in_a_cell, next, standing};

    fn approved_by(by: &str) -> serde_json::Value {
        json!({"by": by, "at": "t", "verdict": "approved", "comment": null, "digest": "d"})
    }

    #[test]
    fn approvals_are_counted_until_there_are_enough() {
        let half = plan(&json!({
            "status": "pending_approval", "approvals_required": 2, "approvals_missing": 1,
            "approvals": [approved_by("ann")],
        }));
        assert_eq!(in_a_cell(&half), "1 of 2");
        let needs = "It needs one more approval: fleetward plan approve plan_1";
        assert_eq!(next(&half), [needs]);
        let whole = plan(&json!({
            "approvals_required": 2, "approvals": [approved_by("ann"), approved_by("bob")],
        }));
        assert_eq!(in_a_cell(&whole), "2 of 2");
        let none = plan(&json!({"approvals": [approved_by("policy")]}));
        assert_eq!(in_a_cell(&none), "-");
    }

    #[test]
    fn an_emergency_owes_a_review_before_and_after_its_execution() {
        for status in ["approved", "executed"] {
            let plan = plan(&json!({
                "status": status, "emergency": true, "review": "owed", "approvals_required": 1,
                "approvals": [approved_by("emergency")],
            }));
            assert_eq!(in_a_cell(&plan), "emergency, review owed");
            assert!(standing(&plan).contains(&("Review", "owed".to_owned())));
            assert!(
                next(&plan)[1].contains("plan review plan_1"),
                "{:?}",
                next(&plan)
            );
        }
    }

    #[test]
    fn every_state_says_what_to_do() {
        for (status, verb) in [
            ("draft", "plan submit"),
            ("pending_approval", "plan approve"),
            ("approved", "deploy execute"),
            ("rejected", "plan edit"),
            ("expired", "plan edit"),
            ("executed", "deploy list"),
        ] {
            let steps = next(&plan(&json!({"status": status})));
            assert!(
                steps.len() == 1 && steps[0].contains(verb),
                "{status}: {steps:?}"
            );
        }
        assert!(next(&plan(&json!({"status": "superseded"}))).is_empty());
    }
}
