//! The life of a plan: drafts, revisions, approvals by others, emergencies.

use serde_json::{Value, json};

use crate::{Served, TOKEN};

const CREATE: &str = "plan create --config plan.yaml --target-environment field";

/// A server with a plan's file and a device in `field`; answers with the arguments that show another person's key.
fn served() -> (Served, String) {
    let served = Served::start();
    served.plan();
    served.done(&format!("device add field-0 -e field --token {TOKEN}"));
    let approver = served.approver();
    (served, approver)
}

fn id(plan: &Value) -> &str {
    plan["plan_id"].as_str().unwrap()
}

#[test]
fn a_plan_waits_for_the_approval_of_somebody_else() {
    let (served, approver) = served();
    let plan = served.done(CREATE);
    assert_eq!(plan["status"], "pending_approval");
    let id = id(&plan);
    let execute = format!("deploy execute --plan-id {id}");
    let (code, _, notes) = served.run(&execute);
    assert_eq!(code, 4, "nobody approved it");
    assert!(notes.contains("`fleetward plan show PLAN`"), "{notes}");
    let other = "0".repeat(64);
    let another = format!("plan approve {id} --digest {other} {approver}");
    assert_eq!(served.run(&another).0, 4, "it is another plan");
    let (code, _, notes) = served.run(&format!("plan approve {id}"));
    assert_eq!(code, 4, "the author's own");
    assert!(notes.contains("key create --role approver"), "{notes}");

    let text = served.read(&format!("plan show {id}"));
    for line in ["Approvals               0 of 1", "It needs an approval: "] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let approved = served.done(&format!(
        "plan approve --plan-id {id} --comment fine {approver}"
    ));
    assert_eq!(
        (&approved["status"], &approved["comment"]),
        (&json!("approved"), &json!("fine"))
    );
    let text = served.read("plan list");
    assert!(text.contains("1 of 1"), "{text}");
    served.done(&execute);
}

#[test]
fn an_edit_makes_a_revision_that_is_approved_anew() {
    let (served, approver) = served();
    let draft = served.done(&format!("{CREATE} --draft"));
    assert_eq!(draft["status"], "draft");
    let id = id(&draft);
    assert_eq!(served.run(&format!("plan approve {id} {approver}")).0, 4);
    let submitted = served.done(&format!("plan submit {id} --reason ready"));
    assert_eq!(submitted["status"], "pending_approval");
    served.done(&format!("plan approve {id} {approver}"));

    let edit = format!("plan edit {id} --config plan.yaml --target-environment field");
    let seen = submitted["digest"].as_str().unwrap();
    let edited = served.done(&format!("{edit} --batch-size 2 --if-match {seen}"));
    assert_eq!(
        (&edited["status"], &edited["revision"]),
        (&json!("pending_approval"), &json!(2))
    );
    let size = json!([{"field": "batch_size", "from": 3, "to": 2}]);
    assert_eq!(edited["changes"], size);
    let (code, _, notes) = served.run(&format!("{edit} --if-match {seen}"));
    assert_eq!(code, 4, "it is another by now");
    assert!(notes.contains("at revision 2 now"), "{notes}");
    let text = served.read(&format!("{edit} --batch-size 1"));
    assert!(
        text.contains("Changed\nbatch_size\n  - 2\n  + 1\n"),
        "{text}"
    );

    let revisions = served.done(&format!("plan revisions {id}"));
    let numbers: Vec<u64> = revisions
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["revision"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    let text = served.read(&format!("plan revisions {id}"));
    assert!(text.contains("approved by manager"), "{text}");
    let last = served.done(&format!("plan diff {id}"));
    assert_eq!(
        last["changes"],
        json!([{"field": "batch_size", "from": 2, "to": 1}])
    );
    let since = served.read(&format!("plan diff {id} --revision 1"));
    assert!(since.contains("\nbatch_size\n  - 3\n  + 1\n"), "{since}");
    let between = served.done(&format!("plan diff {id} --revision 1 --to 2"));
    assert_eq!(between["changes"], size);
    assert_eq!(served.run(&format!("plan diff {id} --revision 9")).0, 4);
}

#[test]
fn a_rejected_plan_is_dead_until_it_is_edited() {
    let (served, approver) = served();
    let plan = served.done(CREATE);
    let id = id(&plan);
    assert_eq!(served.run(&format!("plan reject {id}")).0, 2, "no reason");
    let rejected = served.done(&format!("plan reject {id} --reason untested {approver}"));
    assert_eq!(
        (&rejected["status"], &rejected["comment"]),
        (&json!("rejected"), &json!("untested"))
    );
    let text = served.read(&format!("plan show {id}"));
    assert!(
        text.contains(&format!("plan edit {id} --config FILE")),
        "{text}"
    );
    assert_eq!(served.run(&format!("plan approve {id} {approver}")).0, 4);
    let edit = format!("plan edit --plan-id {id} -c plan.yaml --target-environment field");
    let edited = served.done(&edit);
    assert_eq!(
        (&edited["status"], &edited["changes"]),
        (&json!("pending_approval"), &json!([]))
    );
    served.done(&format!("plan approve {id} {approver}"));
}

#[test]
fn an_emergency_is_executed_at_once_and_reviewed_afterwards() {
    let (served, approver) = served();
    let plan = served.done(&format!("{CREATE} --emergency --emergency-reason Recall"));
    assert_eq!(plan["status"], "approved");
    let id = id(&plan);
    served.done(&format!("deploy execute --plan-id {id}"));
    let owed = served.done("plan list --review owed");
    assert_eq!(owed[0]["plan_id"], id);
    let text = served.read("plan list --review owed");
    assert!(text.contains("emergency, review owed"), "{text}");
    let review = format!("plan review {id} --comment learned");
    assert_eq!(served.run(&review).0, 4, "the author's own");
    let reviewed = served.done(&format!("{review} {approver}"));
    assert_eq!(reviewed["review"], "done");
    assert_eq!(served.done("plan list --review owed"), json!([]));
}
