//! Reports that come after the end: taken, and nothing decided is undone.

use serde_json::json;

use super::{Device, FAILURE, PROCEEDING, SUCCESS, joined, plan, roll_out, seen, status};
use crate::support::{CONFIG, TestApp};

/// A device that installs and is asked to stop, and agrees.
async fn cancelled(app: &TestApp, device: &Device) -> (String, u64) {
    let execution = roll_out(app, "1.1.0").await;
    let (action, _) = device.offer().await;
    assert_eq!(device.feedback(action, PROCEEDING).await, 200);
    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;
    assert_eq!(device.cancel_feedback(action, SUCCESS).await, 200);
    app.admin().outcome(&execution).await;
    (execution, action)
}

#[tokio::test]
async fn reports_after_the_end_are_kept_and_change_nothing() {
    let app = TestApp::start().await;
    let [good, bad] = joined(&app, ["pump-1", "pump-2"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let admin = app.admin();
    for (device, end, after) in [(&good, SUCCESS, "succeeded"), (&bad, FAILURE, "failed")] {
        let (action, _) = device.offer().await;
        assert_eq!(device.feedback(action, end).await, 200);
        for (count, late) in [SUCCESS, FAILURE, PROCEEDING].into_iter().enumerate() {
            assert_eq!(device.feedback(action, late).await, 200, "{late}");
            assert_eq!(status(&app, &execution, device).await, after, "{late}");
            let messages = seen(&app, device).await["attempts"][0]["messages"].clone();
            assert_eq!(
                messages.as_array().unwrap().len(),
                count + 3,
                "each is kept"
            );
        }
    }
    let over = admin.outcome(&execution).await;
    assert_eq!(over["counts"], json!({"succeeded": 1, "failed": 1}));
    let decisions = admin.decisions(&execution).await;
    let attempt = &seen(&app, &bad).await["attempts"][0];
    let action = attempt["action_id"].as_u64().unwrap();
    assert_eq!(bad.feedback(action, SUCCESS).await, 200);
    assert_eq!(admin.execution(&execution).await, over);
    assert_eq!(admin.decisions(&execution).await, decisions);
}

#[tokio::test]
async fn the_strict_setting_refuses_them_with_410() {
    let config = format!("{CONFIG}  ddi_feedback_after_end: gone\n");
    let app = TestApp::with(&config).await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    for late in [SUCCESS, FAILURE, PROCEEDING] {
        assert_eq!(device.feedback(action, late).await, 410, "{late}");
    }
    assert_eq!(status(&app, &execution, &device).await, "succeeded");
}

#[tokio::test]
async fn a_late_success_of_a_cancelled_attempt_is_believed() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let (execution, action) = cancelled(&app, &device).await;
    assert_eq!(device.feedback(action, FAILURE).await, 200);
    assert_eq!(status(&app, &execution, &device).await, "cancelled");
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert_eq!(status(&app, &execution, &device).await, "succeeded");
    assert_eq!(seen(&app, &device).await["version"], "1.1.0");
    assert_ne!(device.link("configData").await, "");
    let over = app.admin().execution(&execution).await;
    assert_eq!(over["status"], "cancelled", "the decision stands");
    assert_eq!(over["counts"], json!({"succeeded": 1}));
}

#[tokio::test]
async fn a_device_that_was_given_up_may_still_succeed() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let admin = app.admin();
    admin.upload("1.1.0").await;
    let mut hasty = plan("1.1.0", "immediate");
    hasty["device_timeout"] = json!(2);
    let execution = admin.roll_out(hasty).await;
    let (action, _) = device.offer().await;
    let over = admin.outcome(&execution).await;
    assert_eq!(over["counts"], json!({"timed_out": 1}));
    assert_eq!(device.link("deploymentBase").await, "");
    assert_eq!(device.feedback(action, PROCEEDING).await, 200);
    assert_eq!(status(&app, &execution, &device).await, "timed_out");
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert_eq!(status(&app, &execution, &device).await, "succeeded");
    assert_eq!(seen(&app, &device).await["version"], "1.1.0");
    assert_eq!(admin.execution(&execution).await["status"], over["status"]);
}

/// A client that keeps the number of what it installed over its restart repeats that report until it
/// is taken, and looks at nothing else before.
#[tokio::test]
async fn a_report_of_the_earlier_attempt_does_not_block_the_next() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let (first, old) = cancelled(&app, &device).await;
    let second = roll_out(&app, "1.2.0").await;
    let (new, document) = device.offer().await;
    assert_ne!(old, new);
    assert_eq!(document["deployment"]["chunks"][0]["version"], "1.2.0");
    assert_eq!(device.feedback(old, FAILURE).await, 200);
    assert_eq!(status(&app, &first, &device).await, "cancelled");
    assert_eq!(status(&app, &second, &device).await, "downloading");
    assert_eq!(device.offer().await.0, new);
    assert_eq!(device.feedback(new, SUCCESS).await, 200);
    assert_eq!(status(&app, &second, &device).await, "succeeded");
}

#[tokio::test]
async fn a_doubled_success_does_not_take_back_a_rollback() {
    let app = TestApp::start().await;
    app.admin().upload("1.0.0").await;
    let [device, busy] = joined(&app, ["pump-1", "pump-2"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    busy.offer().await;
    let (there, _) = device.offer().await;
    assert_eq!(device.feedback(there, SUCCESS).await, 200);
    let path = format!("/api/deployments/{execution}/rollback");
    app.admin().post(&path, json!({})).await;
    let (back, document) = device.offer().await;
    assert_ne!(there, back);
    let chunk = &document["deployment"]["chunks"][0];
    assert_eq!(chunk["version"], "1.0.0");
    let switch_back = json!([{"key": "fleetward.switch_back", "value": "true"}]);
    assert_eq!(chunk["metadata"], switch_back);
    assert_eq!(device.feedback(back, SUCCESS).await, 200);
    assert_eq!(seen(&app, &device).await["version"], "1.0.0");
    assert_eq!(device.feedback(there, SUCCESS).await, 200);
    assert_eq!(status(&app, &execution, &device).await, "rolled_back");
    assert_eq!(seen(&app, &device).await["version"], "1.0.0");
    assert_eq!(device.link("deploymentBase").await, "");
}
