//! What each report makes of a device, once, twice and in any order.

use serde_json::{Value, json};

use super::{Device, FAILURE, PROCEEDING, SUCCESS, joined, roll_out, seen, statuses};
use crate::support::{CONFIG, TestApp};

fn said(execution: &str, finished: &str) -> String {
    json!({"status": {"execution": execution, "result": {"finished": finished}}}).to_string()
}

/// Each report, what a device that looked at the offer is after it, and what is linked then.
const REPORTS: [(&str, &str, &str, bool); 16] = [
    ("proceeding", "none", "installing", true),
    ("proceeding", "success", "installing", true),
    ("proceeding", "failure", "installing", true),
    ("download", "none", "downloading", true),
    ("downloaded", "none", "installing", true),
    ("downloaded", "success", "installing", true),
    ("scheduled", "none", "downloading", true),
    ("resumed", "none", "downloading", true),
    ("rejected", "none", "downloading", true),
    ("rejected", "failure", "downloading", true),
    ("canceled", "none", "downloading", true),
    ("canceled", "success", "downloading", true),
    ("canceled", "failure", "downloading", true),
    ("closed", "success", "succeeded", false),
    ("closed", "none", "succeeded", false),
    ("closed", "failure", "failed", false),
];

const IDS: [&str; 16] = [
    "pump-01", "pump-02", "pump-03", "pump-04", "pump-05", "pump-06", "pump-07", "pump-08",
    "pump-09", "pump-10", "pump-11", "pump-12", "pump-13", "pump-14", "pump-15", "pump-16",
];

#[tokio::test]
async fn each_report_leads_where_it_should_however_often_it_comes() {
    let app = TestApp::start().await;
    let devices = joined(&app, IDS).await;
    let execution = roll_out(&app, "1.1.0").await;
    let mut actions = Vec::new();
    for device in &devices {
        actions.push(device.offer().await.0);
    }
    let told = async || {
        for ((device, action), (execution, finished, ..)) in
            devices.iter().zip(&actions).zip(REPORTS)
        {
            let body = said(execution, finished);
            assert_eq!(
                device.feedback(*action, &body).await,
                200,
                "{execution} {finished}"
            );
        }
    };
    let check = async || {
        let statuses = statuses(&app, &execution).await;
        for (device, (execution, finished, status, open)) in devices.iter().zip(REPORTS) {
            let case = format!("{execution} {finished}");
            assert_eq!(statuses[&device.id], status, "{case}");
            let offered = device.link("deploymentBase").await;
            assert_eq!(!offered.is_empty(), open, "{case}");
        }
    };
    told().await;
    check().await;
    let counts = app.admin().execution(&execution).await["counts"].clone();
    told().await;
    check().await;
    assert_eq!(app.admin().execution(&execution).await["counts"], counts);
    assert_eq!(seen(&app, &devices[13]).await["version"], "1.1.0");
    assert_eq!(seen(&app, &devices[15]).await["version"], "1.0.0");
}

#[tokio::test]
async fn progress_is_read_where_it_can_be() {
    let app = TestApp::start().await;
    let devices = joined(
        &app,
        ["pump-1", "pump-2", "pump-3", "pump-4", "pump-5", "pump-6"],
    )
    .await;
    let execution = roll_out(&app, "1.1.0").await;
    let cases = [
        (json!({"cnt": 0, "of": 1}), "installing"),
        (json!({"cnt": 2, "of": 5}), "installing"),
        (json!({"cnt": 1, "of": 1}), "rebooting"),
        (json!({"cnt": 3, "of": 0}), "installing"),
        (json!("half"), "installing"),
        (json!([1, 2, {"deep": null}]), "installing"),
    ];
    for (device, (progress, status)) in devices.iter().zip(&cases) {
        let (action, _) = device.offer().await;
        let body = json!({"status": {"execution": "proceeding",
            "result": {"finished": "none", "progress": progress}}});
        assert_eq!(
            device.feedback(action, &body.to_string()).await,
            200,
            "{progress}"
        );
        assert_eq!(
            statuses(&app, &execution).await[&device.id],
            *status,
            "{progress}"
        );
    }
}

#[tokio::test]
async fn progress_never_goes_back() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    let rebooting = r#"{"status":{"execution":"proceeding",
        "result":{"finished":"none","progress":{"cnt":1,"of":1}}}}"#;
    for (body, status) in [
        (rebooting.to_owned(), "rebooting"),
        (said("download", "none"), "rebooting"),
        (said("downloaded", "success"), "rebooting"),
        (PROCEEDING.to_owned(), "rebooting"),
        (SUCCESS.to_owned(), "succeeded"),
        (FAILURE.to_owned(), "succeeded"),
        (PROCEEDING.to_owned(), "succeeded"),
        (said("rejected", "none"), "succeeded"),
    ] {
        assert_eq!(device.feedback(action, &body).await, 200, "{body}");
        assert_eq!(
            statuses(&app, &execution).await[&device.id],
            status,
            "{body}"
        );
    }
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["counts"], json!({"succeeded": 1}));
    assert_eq!(seen(&app, &device).await["version"], "1.1.0");
}

/// The words of the newest message of a device's newest attempt.
async fn words(app: &TestApp, device: &Device) -> Value {
    seen(app, device).await["attempts"][0]["messages"][0]["details"].clone()
}

#[tokio::test]
async fn words_are_kept_as_they_were_said() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    let report = |rest: &str| {
        format!(r#"{{"status":{{"execution":"proceeding","result":{{"finished":"none"}}{rest}}}}}"#)
    };
    let cases = [
        (
            report(r#","details":["a","ü \"b\"\n"]"#),
            json!(["a", "ü \"b\"\n"]),
        ),
        (report(r#","details":"alone""#), json!(["alone"])),
        (report(r#","details":["",""]"#), json!([])),
        (report(r#","details":[]"#), json!([])),
        (report(r#","details":null"#), json!([])),
        (report(""), json!([])),
        (
            report(r#","code":120,"details":["a"]"#),
            json!(["Device reported status code: 120", "a"]),
        ),
        (
            report(r#","code":-7"#),
            json!(["Device reported status code: -7"]),
        ),
        (report(r#","code":null"#), json!([])),
    ];
    for (body, wanted) in cases {
        assert_eq!(device.feedback(action, &body).await, 200, "{body}");
        assert_eq!(words(&app, &device).await, wanted, "{body}");
    }
    let many: Vec<String> = (0..80)
        .map(|index| format!("{index} {}", "x".repeat(600)))
        .collect();
    let body = report(&format!(r#","details":{}"#, json!(many)));
    assert_eq!(device.feedback(action, &body).await, 200);
    let kept = words(&app, &device).await;
    let kept = kept.as_array().unwrap();
    assert_eq!(kept.len(), 50);
    assert!(kept.iter().all(|text| text.as_str().unwrap().len() == 512));
}

#[tokio::test]
async fn ids_and_times_in_the_body_are_not_looked_at() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    for extra in [
        format!(r#""id":{action}"#),
        format!(r#""id":"{action}""#),
        r#""id":"99","time":"""#.to_owned(),
        r#""id":null,"time":"20260102T030405","timestamp":1767322800000"#.to_owned(),
        r#""id":{},"time":7,"timestamp":null,"future":[1]"#.to_owned(),
    ] {
        let body = PROCEEDING.replacen('{', &format!("{{{extra},"), 1);
        assert_eq!(device.feedback(action, &body).await, 200, "{extra}");
    }
    assert_eq!(statuses(&app, &execution).await["pump-1"], "installing");
}

#[tokio::test]
async fn a_report_is_on_the_disk_before_it_is_answered() {
    let mut app = TestApp::start().await;
    let [mut device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    for (body, status) in [(PROCEEDING, "installing"), (SUCCESS, "succeeded")] {
        assert_eq!(device.feedback(action, body).await, 200);
        app = app.restart(CONFIG).await;
        device = Device::new(&app, "pump-1");
        assert_eq!(statuses(&app, &execution).await["pump-1"], status);
        let attempt = seen(&app, &device).await["attempts"][0].clone();
        assert_eq!(attempt["action_id"], action);
        let offered = device.link("deploymentBase").await;
        assert_eq!(
            offered.contains(&format!("/{action}?")),
            status == "installing"
        );
    }
    assert_ne!(device.link("configData").await, "");
    assert_eq!(
        device
            .config_data(r#"{"data":{"sw_version":"1.1.0"}}"#)
            .await,
        200
    );
    app = app.restart(CONFIG).await;
    device = Device::new(&app, "pump-1");
    assert_eq!(device.link("configData").await, "");
    assert_eq!(seen(&app, &device).await["version"], "1.1.0");
}
