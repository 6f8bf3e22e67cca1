//! Taking an offer back from a device that has begun with it.

use serde_json::json;

use super::{
    Device, FAILURE, PROCEEDING, SUCCESS, joined, roll_out, seen, slow_polls, status, statuses,
};
use crate::support::{CONFIG, TestApp};

/// An execution that is called off while these devices install; answers with their action numbers.
async fn called_off<const N: usize>(app: &TestApp, devices: &[Device; N]) -> (String, [u64; N]) {
    let execution = roll_out(app, "1.1.0").await;
    let mut actions = [0; N];
    for (device, action) in devices.iter().zip(&mut actions) {
        *action = device.offer().await.0;
        assert_eq!(device.feedback(*action, PROCEEDING).await, 200);
    }
    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;
    (execution, actions)
}

#[tokio::test]
async fn a_cancellation_is_described_and_hides_the_deployment() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let (_, [action]) = called_off(&app, std::array::from_ref(&device)).await;
    let links = device.poll().await["_links"].clone();
    let names: Vec<&String> = links.as_object().unwrap().keys().collect();
    assert_eq!(names, ["cancelAction"]);
    let href = device.link("cancelAction").await;
    assert_eq!(href, format!("{}/cancelAction/{action}", device.root()));
    let id = action.to_string();
    let wanted = json!({"id": id, "cancelAction": {"stopId": id}});
    assert_eq!(device.ok(&href).await, wanted);
    assert_eq!(device.ok(&href).await, wanted, "looking changes nothing");
    assert_eq!(
        device
            .get(&format!("/deploymentBase/{action}?c=1"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn each_answer_to_a_cancellation_leads_where_it_should() {
    let app = TestApp::start().await;
    let ids = [
        "pump-1", "pump-2", "pump-3", "pump-4", "pump-5", "pump-6", "pump-7", "pump-8",
    ];
    let devices = joined(&app, ids).await;
    let (execution, actions) = called_off(&app, &devices).await;
    let said = |execution: &str, finished: &str| {
        json!({"status": {"execution": execution, "result": {"finished": finished}}}).to_string()
    };
    let cases = [
        (said("closed", "success"), "cancelled", ""),
        (said("closed", "none"), "cancelled", ""),
        (said("canceled", "success"), "cancelled", ""),
        (said("closed", "failure"), "installing", "deploymentBase"),
        (said("rejected", "none"), "installing", "deploymentBase"),
        (said("rejected", "success"), "installing", "deploymentBase"),
        (said("canceled", "none"), "installing", "cancelAction"),
        (said("proceeding", "none"), "installing", "cancelAction"),
    ];
    for ((device, action), (body, status, link)) in devices.iter().zip(actions).zip(&cases) {
        assert_eq!(device.cancel_feedback(action, body).await, 200, "{body}");
        for rel in ["deploymentBase", "cancelAction"] {
            let href = device.link(rel).await;
            assert_eq!(
                href.contains(&format!("/{action}")),
                rel == *link,
                "{body} {rel}"
            );
        }
        assert_eq!(
            statuses(&app, &execution).await[&device.id],
            *status,
            "{body}"
        );
    }
    let (gone, going_on) = (&devices[0], &devices[3]);
    assert_eq!(
        gone.cancel_feedback(actions[0], SUCCESS).await,
        200,
        "said twice"
    );
    assert_eq!(status(&app, &execution, gone).await, "cancelled");
    assert_eq!(seen(&app, gone).await["version"], "1.0.0");
    assert_eq!(going_on.cancel_feedback(actions[3], SUCCESS).await, 405);
    assert_eq!(going_on.feedback(actions[3], SUCCESS).await, 200);
    assert_eq!(status(&app, &execution, going_on).await, "succeeded");
}

#[tokio::test]
async fn a_device_that_was_too_far_finishes() {
    let app = TestApp::with(&slow_polls()).await;
    let devices = joined(&app, ["pump-1", "pump-2"]).await;
    let (execution, [first, second]) = called_off(&app, &devices).await;
    assert_eq!(devices[0].feedback(first, PROCEEDING).await, 200);
    assert_ne!(
        devices[0].link("cancelAction").await,
        "",
        "progress is no answer"
    );
    assert_eq!(devices[0].feedback(first, SUCCESS).await, 200);
    assert_eq!(devices[0].link("cancelAction").await, "");
    assert_ne!(devices[0].link("configData").await, "");
    assert_eq!(devices[1].feedback(second, FAILURE).await, 200);
    assert_eq!(devices[1].link("cancelAction").await, "");
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["status"], "cancelled");
    assert_eq!(over["counts"], json!({"succeeded": 1, "failed": 1}));
    assert_eq!(seen(&app, &devices[0]).await["version"], "1.1.0");
}

#[tokio::test]
async fn there_is_no_answer_to_a_cancellation_that_nobody_asked_for() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    for body in [
        SUCCESS,
        FAILURE,
        PROCEEDING,
        r#"{"status":{"execution":"rejected","result":{"finished":"none"}}}"#,
        r#"{"status":{"execution":"canceled","result":{"finished":"success"}}}"#,
    ] {
        assert_eq!(device.cancel_feedback(action, body).await, 405, "{body}");
    }
    assert_eq!(
        device.get(&format!("/cancelAction/{action}")).await.status,
        404
    );
    assert_eq!(status(&app, &execution, &device).await, "downloading");
    let messages = &seen(&app, &device).await["attempts"][0]["messages"];
    assert_eq!(
        messages.as_array().unwrap().len(),
        1,
        "the look at the offer only"
    );
}

#[tokio::test]
async fn an_offer_that_nobody_came_for_just_goes() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let href = device.link("deploymentBase").await;
    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;
    assert_eq!(device.link("deploymentBase").await, "");
    assert_eq!(device.link("cancelAction").await, "");
    assert_eq!(device.get(&href).await.status, 404);
    assert_eq!(app.admin().outcome(&execution).await["status"], "cancelled");
}

#[tokio::test]
async fn a_cancellation_outlives_a_restart() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let (execution, [action]) = called_off(&app, std::array::from_ref(&device)).await;
    let app = app.restart(CONFIG).await;
    let device = Device::new(&app, &device.id);
    assert_ne!(device.link("cancelAction").await, "");
    assert_eq!(device.cancel_feedback(action, SUCCESS).await, 200);
    assert_eq!(device.link("cancelAction").await, "");
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["counts"], json!({"cancelled": 1}));
}
