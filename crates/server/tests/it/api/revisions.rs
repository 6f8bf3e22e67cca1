//! Revisions: an edit says what it replaces, asks for approval anew, and what was there is kept; of two people who act
//! at once the second is told.

use reqwest::Method;
use serde_json::json;

use super::plan_life::{PLANS, done, editing, executing, named, path, posting, said};
use super::{add_devices, column, everything, fields, plan, refused};
use crate::support::TestApp;

#[tokio::test]
async fn an_edit_makes_a_revision_that_nobody_has_approved() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let approver = app.role("approver").await;
    admin.upload("1.0.0").await;
    add_devices(&admin, "production", 1).await;
    let first = admin.post(PLANS, named("First", "production")).await;
    let approval = json!({"comment": "fine", "digest": first["digest"]});
    let first = approver.post(&path(&first, "/approve"), approval).await;
    assert_eq!(first["status"], "approved");

    let second = done(
        &admin,
        editing(&admin, &first, &named("Second", "production")),
    )
    .await;
    assert_eq!(
        (&second["revision"], &second["status"], &second["approvals"]),
        (&json!(2), &json!("pending_approval"), &json!([]))
    );
    assert_ne!(second["digest"], first["digest"]);
    assert_eq!(second["approved_by"], json!(null));
    refused(executing(&admin, &second), 409, "not_approved").await;

    let revisions = admin.get(&path(&first, "/revisions")).await;
    assert_eq!(
        column(&revisions, "status"),
        ["pending_approval", "superseded"]
    );
    assert_eq!(column(&revisions, "created_by"), ["admin", "admin"]);
    let old = &revisions["items"][1];
    assert_eq!(
        (&old["revision"], &old["digest"]),
        (&json!(1), &first["digest"])
    );
    let verdict = &old["approvals"][0];
    assert_eq!(
        (&verdict["by"], &verdict["verdict"], &verdict["comment"]),
        (&json!("approver"), &json!("approved"), &json!("fine"))
    );
    let old = admin.get(&path(&first, "/revisions/1")).await;
    assert_eq!(
        (&old["name"], &old["status"]),
        (&json!("First"), &json!("superseded"))
    );
    let new = admin.get(&path(&first, "/revisions/2")).await;
    assert_eq!(new, second);
    for none in ["/revisions/0", "/revisions/3", "/revisions/one"] {
        refused(
            admin.request(Method::GET, &path(&first, none)),
            404,
            "not_found",
        )
        .await;
    }
    approver.post(&path(&first, "/approve"), json!({})).await;
    done(&admin, executing(&admin, &first)).await;
    let problem = refused(
        editing(&admin, &second, &named("Third", "production")),
        409,
        "not_editable",
    )
    .await;
    assert!(said(&problem).contains("make a new one"), "{problem:#}");
}

#[tokio::test]
async fn a_change_says_which_revision_it_changes() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let made = admin.post(PLANS, plan("1.0.0", "production")).await;
    let shown = admin.request(Method::GET, &path(&made, ""));
    let tag = shown.send().await.unwrap().headers()["etag"].clone();
    assert_eq!(tag, format!("\"{}\"", made["digest"].as_str().unwrap()));
    let before = everything(&admin).await;
    let put = || {
        let request = admin.request(Method::PUT, &path(&made, ""));
        request.json(&plan("1.0.0", "staging"))
    };
    refused(put(), 428, "if_match_required").await;
    let weak = format!("W/{}", tag.to_str().unwrap());
    for other in ["\"\"", "\"0\"", "x", "", &weak] {
        refused(put().header("if-match", other), 412, "plan_changed").await;
    }
    let nowhere = format!("{PLANS}/plan_none");
    let nowhere = admin.request(Method::PUT, &nowhere).header("if-match", "*");
    refused(nowhere.json(&plan("1.0.0", "staging")), 404, "not_found").await;
    let mut impossible = plan("1.0.0", "moon");
    impossible["name"] = json!("");
    let problem = refused(editing(&admin, &made, &impossible), 422, "invalid").await;
    assert_eq!(fields(&problem).len(), 2, "{problem:#}");
    assert_eq!(everything(&admin).await, before);

    let either = format!("\"0\", {}", tag.to_str().unwrap());
    let edited = done(&admin, put().header("if-match", either)).await;
    assert_eq!(
        (&edited["status"], &edited["target_environment"]),
        (&json!("approved"), &json!("staging"))
    );
    let edited = done(&admin, put().header("if-match", "*")).await;
    assert_eq!(edited["revision"], 3);
}

#[tokio::test]
async fn of_two_who_act_at_once_the_second_is_told() {
    let app = TestApp::start().await;
    let (ann, bob) = (app.role("operator").await, app.role("operator").await);
    let approver = app.role("approver").await;
    ann.upload("1.0.0").await;
    add_devices(&ann, "production", 1).await;
    let seen = ann.post(PLANS, plan("1.0.0", "production")).await;

    // Two edits of one revision.
    let changed = done(&ann, editing(&ann, &seen, &named("Ann's", "production"))).await;
    let late = editing(&bob, &seen, &named("Bob's", "production"));
    let problem = refused(late, 412, "plan_changed").await;
    assert!(said(&problem).contains("revision 2"), "{problem:#}");
    // An approval or a rejection of what was edited meanwhile.
    for (verb, reason) in [("/approve", None), ("/reject", Some("no"))] {
        let mut body = json!({"digest": seen["digest"]});
        if let Some(reason) = reason {
            body["reason"] = json!(reason);
        }
        let late = posting(&approver, &path(&seen, verb), body);
        let problem = refused(late, 409, "plan_changed").await;
        assert!(said(&problem).contains("look at it again"), "{problem:#}");
    }
    // An edit of what was approved meanwhile takes the approval with it, and the execution is told.
    approver.post(&path(&seen, "/approve"), json!({})).await;
    done(&bob, editing(&bob, &changed, &named("Bob's", "production"))).await;
    refused(executing(&ann, &seen), 409, "not_approved").await;
    // An edit, a rejection and an approval of what was executed meanwhile.
    let now = approver.post(&path(&seen, "/approve"), json!({})).await;
    done(&ann, executing(&ann, &seen)).await;
    let late = editing(&bob, &now, &named("Too late", "production"));
    refused(late, 409, "not_editable").await;
    let late = posting(&approver, &path(&seen, "/reject"), json!({"reason": "no"}));
    refused(late, 409, "not_pending").await;
    refused(executing(&bob, &seen), 409, "not_approved").await;
    assert_eq!(ann.get(&path(&seen, "")).await["status"], "executed");
}

#[tokio::test]
async fn an_edit_that_is_repeated_with_its_key_is_done_once() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let made = admin.post(PLANS, plan("1.0.0", "production")).await;
    let edit = || {
        let request = editing(&admin, &made, &named("Once", "production"));
        request.header("idempotency-key", "edit-1")
    };
    let first = done(&admin, edit()).await;
    let after = everything(&admin).await;
    assert_eq!(done(&admin, edit()).await, first);
    assert_eq!(everything(&admin).await, after);
}
