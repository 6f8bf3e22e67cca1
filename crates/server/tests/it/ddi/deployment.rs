//! The description of a deployment, while it is open and after it.

use serde_json::json;
use sha2::Digest as _;

use super::{FAILURE, PROCEEDING, SUCCESS, image, joined, roll_out, seen, slow_polls, status};
use crate::support::TestApp;

#[tokio::test]
async fn a_deployment_names_everything_that_clients_insist_on() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let firmware = app.admin().get("/api/firmware/1.1.0").await;
    let (action, document) = device.offer().await;
    let url = device.artifact().await;
    let sha256 = hex::encode(sha2::Sha256::digest(image("1.1.0")));
    assert_eq!(firmware["sha256"], sha256);
    let link = |url: &str| json!({"href": url});
    let sums = format!("{url}.MD5SUM");
    let wanted = json!({
        "id": action.to_string(),
        "deployment": {
            "download": "forced",
            "update": "forced",
            "chunks": [{
                "part": "bApp",
                "version": "1.1.0",
                "name": firmware["name"],
                "artifacts": [{
                    "filename": "image-1.1.0.bin",
                    "hashes": {"sha1": firmware["sha1"], "md5": firmware["md5"], "sha256": sha256},
                    "size": image("1.1.0").len(),
                    "_links": {
                        "download": link(&url), "download-http": link(&url),
                        "md5sum": link(&sums), "md5sum-http": link(&sums),
                    },
                }],
            }],
        },
    });
    assert_eq!(document, wanted);
    assert!(url.starts_with(&device.root()), "{url}");
    let module = url.rsplit_once('/').unwrap().0;
    let list = device.ok(module).await;
    assert_eq!(list, wanted["deployment"]["chunks"][0]["artifacts"]);
    assert_eq!(firmware["sha1"].as_str().unwrap().len(), 40);
    assert_eq!(firmware["md5"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn looking_is_reported_once_and_never_goes_back() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    device.poll().await;
    assert_eq!(status(&app, &execution, &device).await, "released");
    let (action, _) = device.offer().await;
    assert_eq!(status(&app, &execution, &device).await, "downloading");
    assert_eq!(device.feedback(action, PROCEEDING).await, 200);
    for _ in 0..5 {
        device.offer().await;
    }
    assert_eq!(status(&app, &execution, &device).await, "installing");
    let seen = seen(&app, &device).await;
    let messages = seen["attempts"][0]["messages"].as_array().unwrap();
    let reports: Vec<_> = messages.iter().map(|m| m["report"].clone()).collect();
    assert_eq!(reports, ["installing", "retrieved"]);
}

#[tokio::test]
async fn a_word_before_the_first_look_does_not_hide_the_look() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let link = device.link("deploymentBase").await;
    let number = link.split('?').next().unwrap().rsplit('/').next().unwrap();
    let scheduled = r#"{"status":{"execution":"scheduled","result":{"finished":"none"}}}"#;
    assert_eq!(
        device.feedback(number.parse().unwrap(), scheduled).await,
        200
    );
    assert_eq!(status(&app, &execution, &device).await, "released");
    device.offer().await;
    assert_eq!(status(&app, &execution, &device).await, "downloading");
}

#[tokio::test]
async fn history_is_told_to_those_who_ask() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let (action, _) = device.offer().await;
    let path = format!("/deploymentBase/{action}");
    let none = device.ok(&format!("{path}?actionHistory=5")).await;
    assert!(
        none.get("actionHistory").is_none(),
        "the device has said nothing"
    );
    for word in ["one", "two", "three"] {
        let said = PROCEEDING.replace("writing", word);
        assert_eq!(device.feedback(action, &said).await, 200);
    }
    for (asked, messages) in [
        ("2", json!(["three", "two"])),
        ("3", json!(["three", "two", "one"])),
        ("100", json!(["three", "two", "one"])),
        ("5000", json!(["three", "two", "one"])),
        ("-1", json!(["three", "two", "one"])),
    ] {
        let document = device
            .ok(&format!("{path}?c=1&actionHistory={asked}"))
            .await;
        let wanted = json!({"status": "RUNNING", "messages": messages});
        assert_eq!(document["actionHistory"], wanted, "{asked}");
    }
    for silent in ["", "?actionHistory=0"] {
        let document = device.ok(&format!("{path}{silent}")).await;
        assert!(document.get("actionHistory").is_none());
    }
    assert_eq!(
        device
            .get(&format!("{path}?actionHistory=all"))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn what_was_installed_can_be_read_again() {
    let app = TestApp::with(&slow_polls()).await;
    let [good, bad] = joined(&app, ["pump-1", "pump-2"]).await;
    roll_out(&app, "1.1.0").await;
    let (action, document) = good.offer().await;
    let installed = format!("/installedBase/{action}");
    assert_eq!(good.get(&installed).await.status, 404, "not over yet");
    assert_eq!(good.feedback(action, SUCCESS).await, 200);
    assert_eq!(good.ok(&installed).await, document);
    assert_eq!(
        good.ok(&format!("{installed}?actionHistory=3")).await,
        document
    );
    assert_eq!(
        good.get(&format!("/deploymentBase/{action}")).await.status,
        404
    );
    assert_eq!(good.link("deploymentBase").await, "");

    let (action, _) = bad.offer().await;
    assert_eq!(bad.feedback(action, FAILURE).await, 200);
    assert_eq!(bad.link("deploymentBase").await, "");
    assert_eq!(bad.get("/installedBase/999999").await.status, 404);
}
