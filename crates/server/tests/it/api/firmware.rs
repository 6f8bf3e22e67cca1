//! Firmware: what is taken in, what is refused, and what comes out again.

use std::path::Path;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use super::{column, everything, fields, refused};
use crate::support::{CONFIG, Client, TestApp};

const SWU: &str = "swupdate-cms-1.1.0.swu";
const OTHER_SWU: &str = "swupdate-unsigned-1.1.0.swu";
const TRUNCATED: &str = "bad/swupdate-truncated.swu";

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/tests/samples");
    std::fs::read(folder.join(name)).unwrap()
}

fn uploading(client: &Client<'_>, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let path = format!("/api/firmware?{query}");
    client.request(Method::POST, &path).body(body)
}

/// The files of unfinished uploads.
fn unfinished(app: &TestApp) -> usize {
    let folder = app.folder.path().join("images/incoming");
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn an_image_that_is_not_in_order_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let zeros = "0".repeat(64);
    let cases = [
        ("version=1", Vec::new(), "bad_image"),
        ("version=1&file_name=a.swu", Vec::new(), "bad_image"),
        ("file_name=a.swu", sample(TRUNCATED), "bad_image"),
        ("file_name=a.swu", sample("bad/garbage.bin"), "bad_image"),
        (
            "file_name=a.swu",
            sample("bad/swupdate-flipped-byte.swu"),
            "bad_image",
        ),
        (
            "file_name=a.swu",
            sample("bad/swupdate-wrong-sha256.swu"),
            "bad_image",
        ),
        (
            "file_name=a.swu&version=9.9.9",
            sample(SWU),
            "version_mismatch",
        ),
        (
            &*format!("version=1&sha256={zeros}"),
            b"an image".to_vec(),
            "digest_mismatch",
        ),
        ("version=1&sha256=", b"an image".to_vec(), "digest_mismatch"),
    ];
    for (query, image, code) in cases {
        refused(uploading(&admin, query, image), 422, code).await;
    }
    assert_eq!(unfinished(&app), 0);
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn what_comes_with_an_image_is_checked() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let long_name = format!("version=1&file_name={}", "n".repeat(121));
    let long_version = format!("version={}", "1".repeat(101));
    let cases = [
        ("version=1&file_name=", "file_name"),
        ("version=1&file_name=.hidden", "file_name"),
        ("version=1&file_name=..", "file_name"),
        ("version=1&file_name=../a.bin", "file_name"),
        ("version=1&file_name=a/b.bin", "file_name"),
        ("version=1&file_name=a%5Cb.bin", "file_name"),
        ("version=1&file_name=a%20b.bin", "file_name"),
        ("version=1&file_name=a%22.bin", "file_name"),
        ("version=1&file_name=a%0D%0AX:1", "file_name"),
        ("version=1&file_name=%C3%A4.bin", "file_name"),
        (&long_name, "file_name"),
        ("", "version"),
        ("version=", "version"),
        ("version=1%200", "version"),
        ("version=1%0A", "version"),
        (&long_version, "version"),
        ("version=1&compatibility=:B", "compatibility"),
        ("version=1&compatibility=pump,valve:", "compatibility"),
    ];
    for (query, field) in cases {
        let problem = refused(uploading(&admin, query, "an image"), 422, "invalid").await;
        assert_eq!(fields(&problem), [field], "{query}");
    }
    for query in ["version=1&colour=red", "version=1&version=2"] {
        refused(uploading(&admin, query, "an image"), 400, "bad_query").await;
    }
    assert_eq!(unfinished(&app), 0);
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn a_version_never_changes_its_image() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let query = "file_name=device.swu";
    let (status, first) = admin.send(uploading(&admin, query, sample(SWU))).await;
    assert_eq!(status, 201, "{first:#}");
    assert_eq!(
        (&first["version"], &first["format"]),
        (&json!("1.1.0"), &json!("swu"))
    );
    assert_eq!(
        (&first["signed"], &first["size"]),
        (&json!(true), &json!(22_528))
    );
    let before = everything(&admin).await;

    let again = "file_name=device.swu&version=1.1.0&name=again";
    let (status, second) = admin.send(uploading(&admin, again, sample(SWU))).await;
    assert_eq!((status, &second), (StatusCode::OK, &first));
    let problem = refused(
        uploading(&admin, query, sample(OTHER_SWU)),
        409,
        "version_exists",
    )
    .await;
    assert!(
        problem["detail"].as_str().unwrap().contains("1.1.0"),
        "{problem:#}"
    );
    let raw = uploading(&admin, "version=1.1.0", "an image");
    refused(raw, 409, "version_exists").await;
    assert_eq!(unfinished(&app), 0);
    assert_eq!(everything(&admin).await, before);

    for name in [first["firmware_id"].as_str().unwrap(), "1.1.0"] {
        let path = format!("/api/firmware/{name}/download");
        let answer = admin.request(Method::GET, &path).send().await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!(headers["content-length"], "22528");
        assert_eq!(
            headers["content-disposition"],
            "attachment; filename=\"device.swu\""
        );
        assert_eq!(answer.bytes().await.unwrap(), sample(SWU), "{name}");
    }
}

#[tokio::test]
async fn one_image_can_be_many_versions_and_its_digest_may_be_in_capitals() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let (_, one) = admin.send(uploading(&admin, "version=1", "an image")).await;
    let digest = one["sha256"].as_str().unwrap().to_uppercase();
    let query = format!("version=2&sha256={digest}&compatibility=pump,%20valve:B,");
    let (status, two) = admin.send(uploading(&admin, &query, "an image")).await;
    assert_eq!(status, 201, "{two:#}");
    assert_eq!(
        (&two["sha256"], &two["format"]),
        (&one["sha256"], &json!("raw"))
    );
    assert_eq!(two["compatibility"], json!(["pump", "valve:B"]));
    let listed = admin.get("/api/firmware").await;
    assert_eq!(column(&listed, "version"), ["2", "1"]);
}

#[tokio::test]
async fn a_size_that_is_configured_is_not_exceeded() {
    let app = TestApp::with(&format!("{CONFIG}firmware:\n  max_size: 1000\n")).await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let request = uploading(&admin, "version=1", vec![b'x'; 1001]);
    refused(request, 413, "image_too_large").await;
    assert_eq!(unfinished(&app), 0);
    assert_eq!(everything(&admin).await, before);
    let (status, _) = admin
        .send(uploading(&admin, "version=1", vec![b'x'; 1000]))
        .await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn an_image_is_taken_in_as_a_stream_larger_than_any_other_body() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let chunks = (0..96u8).map(|number| Ok::<_, std::io::Error>(vec![number; 65_536]));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let (status, made) = admin.send(uploading(&admin, "version=1", body)).await;
    assert_eq!(
        (status, &made["size"]),
        (StatusCode::CREATED, &json!(96 * 65_536))
    );
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let pieces = [
        Ok(vec![b'x'; 100_000]),
        Err(std::io::Error::other("the cable")),
    ];
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let broken = uploading(&admin, "version=1", body).send().await;
    assert!(broken.is_err(), "{broken:?}");
    assert_eq!(everything(&admin).await, before);
    let app = app.restart(CONFIG).await;
    assert_eq!(unfinished(&app), 0);
    assert_eq!(everything(&app.admin()).await, before);
}

#[tokio::test]
async fn a_withdrawn_version_says_who_and_when_and_keeps_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    let operator = app.role("operator").await;
    let path = "/api/firmware/1.0.0/withdraw";
    let first = operator.post(path, json!({"reason": "it smokes"})).await;
    assert_eq!(
        (&first["status"], &first["withdrawn_by"]),
        (&json!("withdrawn"), &json!("operator"))
    );
    let second = admin.post(path, json!({})).await;
    assert_eq!(second, first);
    let shown = admin.get("/api/firmware/1.0.0").await;
    assert_eq!(shown, first);
    let audit = admin
        .get(&format!(
            "/api/audit?object={}",
            first["firmware_id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        column(&audit, "action"),
        ["firmware.withdraw", "firmware.upload"]
    );
    assert_eq!(audit["items"][0]["detail"]["reason"], "it smokes");
}
