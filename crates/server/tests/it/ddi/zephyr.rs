//! Zephyr's client: no Accept header, small buffers, one connection, and no pause between a poll, what
//! it leads to, and the next poll.

use serde_json::json;

use super::raw::{Connection, Framed, path_of};
use super::{Device, PROCEEDING, SUCCESS, image, joined, roll_out, seen, slow_polls, status};
use crate::support::TestApp;

const ID: &str = "frdm_k64f-0042ffff9876543210abcdef";

/// The client looks for this after the host, and keeps what follows in fixed buffers.
fn short(href: &str, name: &str, most: usize) {
    let path = path_of(href);
    assert!(path.starts_with("/DEFAULT/controller/v1/"), "{href}");
    let tail = &path[path.find(name).unwrap()..];
    assert!(tail.len() < most, "{tail}");
}

async fn poll(wire: &mut Connection) -> Framed {
    let answer = wire.get(&format!("/default/controller/v1/{ID}")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.len() < 1100, "{}", answer.body.len());
    answer
}

#[tokio::test]
async fn a_full_cycle_over_one_connection() {
    let app = TestApp::with(&slow_polls()).await;
    let mut wire = Connection::open(&app).await;
    let link = poll(&mut wire).await.href("configData");
    let data = format!(r#"{{"mode":"merge","data":{{"VIN":"{ID}"}}}}"#);
    let answer = wire.json(&format!("PUT {}", path_of(&link)), &data).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(
        poll(&mut wire).await.href("configData"),
        "",
        "at the very next poll"
    );

    let execution = roll_out(&app, "1.1.0").await;
    let href = poll(&mut wire).await.href("deploymentBase");
    short(&href, "deploymentBase", 50);
    let deployment = wire.get(path_of(&href)).await;
    assert!(deployment.body.len() < 1100, "{}", deployment.body.len());
    let document = deployment.json();
    let chunks = document["deployment"]["chunks"].as_array().unwrap();
    assert_eq!((chunks.len(), &chunks[0]["part"]), (1, &json!("bApp")));
    let artifacts = chunks[0]["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 1);
    assert_eq!(artifacts[0]["hashes"]["sha256"].as_str().unwrap().len(), 64);
    let url = artifacts[0]["_links"]["download-http"]["href"]
        .as_str()
        .unwrap();
    short(url, "/DEFAULT/controller/v1", 200);
    let whole = wire.get(path_of(url)).await;
    assert_eq!(whole.body, image("1.1.0"));
    assert_eq!(in_parts(&mut wire, path_of(url)).await, image("1.1.0"));

    let after_the_reboot = poll(&mut wire).await.href("deploymentBase");
    assert_eq!(after_the_reboot, href);
    let path = path_of(&href).split('?').next().unwrap();
    let answer = wire.json(&format!("POST {path}/feedback"), SUCCESS).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let next = poll(&mut wire).await;
    assert_eq!(next.href("deploymentBase"), "", "at the very next poll");
    assert_ne!(next.href("configData"), "");
    let over = app.admin().outcome(&execution).await;
    assert_eq!(over["counts"], json!({"succeeded": 1}));
    let seen = seen(&app, &Device::new(&app, ID)).await;
    assert_eq!(
        (&seen["version"], &seen["attributes"]["VIN"]),
        (&json!("1.1.0"), &json!(ID))
    );
}

async fn in_parts(wire: &mut Connection, path: &str) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let range = format!("Range: bytes={}-{}", all.len(), all.len() + 511);
        wire.send(&format!("GET {path}"), &[&range], "").await;
        let part = wire.answer().await;
        if part.status == 416 {
            return all;
        }
        assert_eq!(part.status, 206);
        all.extend(part.body);
    }
}

#[tokio::test]
async fn a_cancellation_is_answered_from_its_link_alone() {
    let app = TestApp::start().await;
    let [device, installed] = joined(&app, [ID, "board-2"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    device.offer().await;
    let (busy, _) = installed.offer().await;
    assert_eq!(installed.feedback(busy, PROCEEDING).await, 200);
    let path = format!("/api/deployments/{execution}/cancel");
    app.admin().post(&path, json!({})).await;

    let mut wire = Connection::open(&app).await;
    let href = poll(&mut wire).await.href("cancelAction");
    short(&href, "cancelAction", 50);
    assert!(!href.contains('?') && !href.ends_with('/'), "{href}");
    let answer = wire
        .json(&format!("POST {}/feedback", path_of(&href)), SUCCESS)
        .await;
    assert_eq!(answer.status, 200);
    let next = poll(&mut wire).await;
    assert_eq!(
        (next.href("cancelAction"), next.href("deploymentBase")),
        Default::default()
    );
    assert_eq!(status(&app, &execution, &device).await, "cancelled");

    assert_eq!(installed.cancel_feedback(busy, super::FAILURE).await, 200);
    assert_ne!(
        installed.link("deploymentBase").await,
        "",
        "offered again at once"
    );
}
