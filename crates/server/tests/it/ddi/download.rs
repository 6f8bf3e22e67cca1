//! Images on the wire: whole, in parts, conditional, and their checksums.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Digest as _;

use super::raw::{Connection, path_of};
use super::{Device, FAILURE, image, joined, roll_out, status};
use crate::support::TestApp;

/// A device that is offered version 1.1.0, and where its image is.
async fn offered(app: &TestApp) -> (Device, String, Value) {
    let [device] = joined(app, ["pump-1"]).await;
    roll_out(app, "1.1.0").await;
    let url = device.artifact().await;
    (device, url, app.admin().get("/api/firmware/1.1.0").await)
}

#[tokio::test]
async fn an_image_arrives_byte_by_byte_as_it_was_uploaded() {
    let app = TestApp::start().await;
    let (device, url, firmware) = offered(&app).await;
    let etag = format!("\"{}\"", firmware["sha1"].as_str().unwrap());
    for accept in ["*/*", "application/json", "application/octet-stream"] {
        let request = device.request(Method::GET, &url).header("accept", accept);
        let request = request.header("content-type", "application/json");
        let answer = device.send(request).await;
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.text.as_bytes(), image("1.1.0"));
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(
            answer.header("content-length"),
            image("1.1.0").len().to_string()
        );
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let name = "attachment;filename=image-1.1.0.bin";
        assert_eq!(answer.header("content-disposition"), name);
        assert!(answer.header("last-modified").ends_with(" GMT"));
        let sum = hex::encode(sha2::Sha256::digest(&answer.text));
        assert_eq!(firmware["sha256"], sum);
    }
}

#[tokio::test]
async fn a_head_tells_the_size_and_sends_nothing() {
    let app = TestApp::start().await;
    let (device, url, firmware) = offered(&app).await;
    let size = image("1.1.0").len().to_string();
    for range in [None, Some("bytes=5-9")] {
        let mut request = device.request(Method::HEAD, &url);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = device.send(request).await;
        assert_eq!(answer.status, 200, "ranges are for GET only");
        assert_eq!(answer.header("content-length"), size);
        assert_eq!(answer.header("etag").trim_matches('"'), firmware["sha1"]);
        assert_eq!(answer.text, "");
    }
    let mut wire = Connection::open(&app).await;
    wire.send(&format!("HEAD {}", path_of(&url)), &[], "").await;
    assert_eq!(
        wire.head().await.header("content-length"),
        Some(size.as_str())
    );
    let answer = wire.get(path_of(&url)).await;
    assert_eq!((answer.status, answer.body), (200, image("1.1.0")));
}

#[tokio::test]
async fn parts_are_exactly_what_was_asked_for() {
    let app = TestApp::start().await;
    let (device, url, _) = offered(&app).await;
    let all = image("1.1.0");
    let size = all.len();
    let cases = [
        ("bytes=0-0".to_owned(), Some((0, 1))),
        ("bytes=0-".to_owned(), Some((0, size))),
        ("bytes=10-19".to_owned(), Some((10, 20))),
        ("bytes=2000-".to_owned(), Some((2000, size))),
        (format!("bytes={}-", size - 1), Some((size - 1, size))),
        (format!("bytes=100-{}", size + 500), Some((100, size))),
        ("bytes=-7".to_owned(), Some((size - 7, size))),
        (format!("bytes=-{}", size + 1), Some((0, size))),
        (format!("bytes={size}-"), None),
        (format!("bytes={}-", size + 1), None),
        ("bytes=20-10".to_owned(), None),
        ("bytes=-0".to_owned(), None),
        ("bytes=".to_owned(), None),
        ("bytes=a-b".to_owned(), None),
        ("bytes=99999999999999999999-".to_owned(), None),
        ("pages=1-2".to_owned(), None),
    ];
    for (range, part) in cases {
        let request = device.request(Method::GET, &url).header("range", &range);
        let answer = device.send(request).await;
        let told = answer.header("content-range");
        let Some((first, end)) = part else {
            assert_eq!(answer.status, StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
            assert_eq!(told, format!("bytes */{size}"), "{range}");
            continue;
        };
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(told, format!("bytes {first}-{}/{size}", end - 1), "{range}");
        assert_eq!(answer.header("content-length"), (end - first).to_string());
        assert_eq!(answer.text.as_bytes(), &all[first..end], "{range}");
    }
    let several = device
        .request(Method::GET, &url)
        .header("range", "bytes=0-1,4-5");
    let answer = device.send(several).await;
    assert_eq!(
        (answer.status, answer.text.as_bytes()),
        (StatusCode::OK, &all[..])
    );
}

#[tokio::test]
async fn a_resumed_download_is_of_the_same_file() {
    let app = TestApp::start().await;
    let (device, url, _) = offered(&app).await;
    let whole = device.get(&url).await;
    let (etag, date) = (whole.header("etag"), whole.header("last-modified"));
    let cases = [
        ("if-range", etag.to_owned(), 206),
        ("if-range", date.to_owned(), 206),
        ("if-range", "\"another\"".to_owned(), 200),
        ("if-range", "Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 200),
        ("if-match", etag.to_owned(), 206),
        ("if-match", "*".to_owned(), 206),
        ("if-match", format!("\"x\", {etag}"), 206),
        ("if-match", "\"another\"".to_owned(), 412),
    ];
    for (name, value, wanted) in cases {
        let request = device
            .request(Method::GET, &url)
            .header("range", "bytes=5-9");
        let answer = device.send(request.header(name, &value)).await;
        assert_eq!(answer.status, wanted, "{name}: {value}");
        let all = whole.text.as_bytes();
        match wanted {
            200 => assert_eq!(answer.text.as_bytes(), all),
            206 => assert_eq!(answer.text.as_bytes(), &all[5..10]),
            _ => assert_ne!(answer.text.as_bytes(), all),
        }
    }
}

#[tokio::test]
async fn a_download_is_no_report() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let execution = roll_out(&app, "1.1.0").await;
    let url = device.artifact().await;
    for index in 0..20 {
        let range = format!("bytes={}-{}", index * 100, index * 100 + 99);
        let request = device.request(Method::GET, &url).header("range", range);
        assert_eq!(device.send(request).await.status, 206);
    }
    let messages = super::seen(&app, &device).await["attempts"][0]["messages"].clone();
    assert_eq!(
        messages.as_array().unwrap().len(),
        1,
        "the look at the offer only"
    );
    assert_eq!(status(&app, &execution, &device).await, "downloading");
}

#[tokio::test]
async fn checksums_come_as_md5sum_writes_them() {
    let app = TestApp::start().await;
    let (device, url, firmware) = offered(&app).await;
    let answer = device.get(&format!("{url}.MD5SUM")).await;
    assert_eq!(answer.status, 200);
    let md5 = firmware["md5"].as_str().unwrap();
    assert_eq!(answer.text, format!("{md5}  image-1.1.0.bin"));
    assert!(answer.header("content-type").starts_with("text/plain"));
    let name = "attachment;filename=image-1.1.0.bin.MD5SUM";
    assert_eq!(answer.header("content-disposition"), name);
}

#[tokio::test]
async fn only_what_is_offered_can_be_fetched() {
    let app = TestApp::start().await;
    let (device, url, _) = offered(&app).await;
    app.admin().upload("9.9.9").await;
    let module = url.rsplit_once("/artifacts/").unwrap().0;
    let (root, number) = module.rsplit_once('/').unwrap();
    let other = number.parse::<u64>().unwrap() + 1;
    for path in [
        format!("{module}/artifacts/image-9.9.9.bin"),
        format!("{module}/artifacts/..%2Fimage-1.1.0.bin"),
        format!("{url}.SHA1SUM"),
        format!("{root}/{other}/artifacts/image-9.9.9.bin"),
        format!("{root}/{other}/artifacts"),
        format!("{root}/first/artifacts"),
        format!("{root}/-1/artifacts"),
    ] {
        assert_eq!(device.get(&path).await.status, 404, "{path}");
    }
    let stranger = device.clone().authorization(None);
    assert_eq!(stranger.get(&url).await.status, 401);
    let (action, _) = device.offer().await;
    assert_eq!(device.feedback(action, FAILURE).await, 200);
    assert_eq!(device.get(&url).await.status, 404, "it is over");
}

#[tokio::test]
async fn names_of_files_are_encoded_in_links() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let admin = app.admin();
    let path = "/api/firmware?version=2.0&file_name=pump%2B2.0.bin";
    let upload = admin.request(Method::POST, path).body("an image of a pump");
    let (made, body) = admin.send(upload).await;
    assert!(made.is_success(), "{body}");
    admin.roll_out(super::plan("2.0", "immediate")).await;
    let (_, document) = device.offer().await;
    let artifact = &document["deployment"]["chunks"][0]["artifacts"][0];
    assert_eq!(artifact["filename"], json!("pump+2.0.bin"));
    let url = device.artifact().await;
    assert!(url.ends_with("/pump%2B2.0.bin"), "{url}");
    assert_eq!(device.get(&url).await.text, "an image of a pump");
    let sums = device.get(&format!("{url}.MD5SUM")).await;
    assert!(sums.text.ends_with("  pump+2.0.bin"));
}
