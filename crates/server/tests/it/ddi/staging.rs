//! Blue-green: a slot is filled first and switched to later, by devices that can; others are not
//! offered anything before the switch.

use serde_json::json;

use super::{Device, FAILURE, PROCEEDING, SUCCESS, joined, plan, seen, status, statuses};
use crate::support::TestApp;

const DOWNLOADED: &str = r#"{"status":{"execution":"downloaded","result":{"finished":"success"}}}"#;

async fn can_stage(device: &Device) {
    let said = r#"{"data":{"fleetward.staging":"true"}}"#;
    assert_eq!(device.config_data(said).await, 200);
}

async fn blue_green(app: &TestApp) -> String {
    app.admin().upload("1.1.0").await;
    app.admin().roll_out(plan("1.1.0", "blue_green")).await
}

#[tokio::test]
async fn a_slot_is_filled_first_and_switched_to_by_all_at_once() {
    let app = TestApp::start().await;
    let [staged, slow, plain] = joined(&app, ["pump-1", "pump-2", "pump-3"]).await;
    can_stage(&staged).await;
    can_stage(&slow).await;
    let execution = blue_green(&app).await;

    let before = staged.link("deploymentBase").await;
    let (action, document) = staged.offer().await;
    assert_eq!(document["deployment"]["download"], "forced");
    assert_eq!(document["deployment"]["update"], "skip");
    assert_eq!(
        plain.link("deploymentBase").await,
        "",
        "it would take a skip for a success"
    );
    assert_eq!(staged.feedback(action, PROCEEDING).await, 200);
    assert_eq!(staged.feedback(action, DOWNLOADED).await, 200);
    assert_eq!(status(&app, &execution, &staged).await, "verifying");
    let (_, again) = staged.offer().await;
    assert_eq!(
        again["deployment"]["update"], "skip",
        "not before all are ready"
    );
    assert_eq!(staged.link("deploymentBase").await, before);
    assert_eq!(seen(&app, &staged).await["version"], "1.0.0");
    assert_eq!(staged.link("configData").await, "");
    assert_eq!(plain.link("deploymentBase").await, "");

    let (other, _) = slow.offer().await;
    assert_eq!(slow.feedback(other, DOWNLOADED).await, 200);
    app.admin()
        .until(&execution, |e| e["status"] == "observing")
        .await;
    let (plain_action, forced) = plain.offer().await;
    assert_eq!(forced["deployment"]["update"], "forced");
    let (same, forced) = staged.offer().await;
    assert_eq!(same, action, "the same attempt goes on");
    assert_eq!(forced["deployment"]["update"], "forced");
    assert_ne!(
        staged.link("deploymentBase").await,
        before,
        "a new description"
    );
    assert_eq!(staged.feedback(action, DOWNLOADED).await, 200);
    assert_eq!(status(&app, &execution, &staged).await, "installing");
    for (device, action) in [(&staged, action), (&slow, other), (&plain, plain_action)] {
        assert_eq!(device.feedback(action, SUCCESS).await, 200);
    }
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["status"], "succeeded", "{over:#}");
    assert_eq!(over["counts"], json!({"succeeded": 3}));
}

#[tokio::test]
async fn a_success_on_a_skip_is_no_update() {
    let app = TestApp::start().await;
    let [honest, liar] = joined(&app, ["pump-1", "pump-2"]).await;
    can_stage(&honest).await;
    can_stage(&liar).await;
    let execution = blue_green(&app).await;
    let (first, document) = liar.offer().await;
    assert_eq!(document["deployment"]["update"], "skip");
    let skipped = r#"{"status":{"execution":"closed","result":{"finished":"success"},
        "details":["Skipped Update."]}}"#;
    assert_eq!(liar.feedback(first, skipped).await, 200);
    assert_eq!(status(&app, &execution, &liar).await, "pending");
    assert_eq!(seen(&app, &liar).await["version"], "1.0.0");
    assert_eq!(
        liar.link("deploymentBase").await,
        "",
        "held back from now on"
    );
    assert_eq!(liar.link("configData").await, "");
    assert_eq!(liar.feedback(first, skipped).await, 200, "said twice");
    assert_eq!(status(&app, &execution, &liar).await, "pending");

    let (action, _) = honest.offer().await;
    assert_eq!(honest.feedback(action, DOWNLOADED).await, 200);
    let (second, forced) = liar.offer().await;
    assert_ne!(first, second);
    assert_eq!(forced["deployment"]["update"], "forced");
    assert_eq!(
        liar.feedback(first, skipped).await,
        200,
        "of the attempt that is over"
    );
    assert_eq!(status(&app, &execution, &liar).await, "downloading");
    assert_eq!(liar.feedback(second, SUCCESS).await, 200);
    assert_eq!(status(&app, &execution, &liar).await, "succeeded");
    assert_eq!(seen(&app, &liar).await["version"], "1.1.0");
}

#[tokio::test]
async fn a_slot_that_can_not_be_filled_is_a_failure() {
    let app = TestApp::start().await;
    let [good, bad] = joined(&app, ["pump-1", "pump-2"]).await;
    can_stage(&good).await;
    can_stage(&bad).await;
    let execution = blue_green(&app).await;
    let (action, _) = bad.offer().await;
    assert_eq!(bad.feedback(action, FAILURE).await, 200);
    let (action, _) = good.offer().await;
    assert_eq!(good.feedback(action, DOWNLOADED).await, 200);
    app.admin()
        .until(&execution, |e| e["status"] == "observing")
        .await;
    assert_eq!(bad.link("deploymentBase").await, "");
    assert_eq!(good.feedback(action, SUCCESS).await, 200);
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["counts"], json!({"succeeded": 1, "failed": 1}));
}

#[tokio::test]
async fn who_can_stage_is_told_by_the_program_or_the_device() {
    let app = TestApp::start().await;
    let rauc = "rauc-hawkbit-c-agent/1.3";
    let cases = [
        ("pump-1", rauc, r#"{"data":{"a":"b"}}"#, true),
        (
            "pump-2",
            "libcurl-agent/1.0",
            r#"{"data":{"a":"b"}}"#,
            false,
        ),
        ("pump-3", "", r#"{"data":{"a":"b"}}"#, false),
        (
            "pump-4",
            "x/1",
            r#"{"data":{"fleetward.staging":"true"}}"#,
            true,
        ),
        (
            "pump-5",
            "x/1",
            r#"{"data":{"fleetward.staging":"yes"}}"#,
            false,
        ),
        (
            "pump-6",
            rauc,
            r#"{"data":{"fleetward.staging":"false"}}"#,
            false,
        ),
    ];
    let mut devices = Vec::new();
    for (id, agent, said, can) in cases {
        let device = Device::new(&app, id).agent(agent);
        device.poll().await;
        assert_eq!(device.config_data(said).await, 200);
        assert_eq!(
            seen(&app, &device).await["can_stage"],
            can,
            "{id} {agent} {said}"
        );
        devices.push((device, can));
    }
    let execution = blue_green(&app).await;
    let statuses = statuses(&app, &execution).await;
    for (device, can) in devices {
        let offered = !device.link("deploymentBase").await.is_empty();
        assert_eq!(offered, can, "{}", device.id);
        let wanted = if can { "released" } else { "pending" };
        assert_eq!(statuses[&device.id], wanted, "{}", device.id);
    }
}
