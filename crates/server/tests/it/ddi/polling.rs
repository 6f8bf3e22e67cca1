//! The base poll: when to come again, what is linked, and answers for those that have them already.

use std::collections::BTreeSet;

use super::{Device, SUCCESS, joined, roll_out, slow_polls};
use crate::support::{CONFIG, TestApp};

fn seconds(poll: &serde_json::Value) -> u32 {
    let sleep = poll["config"]["polling"]["sleep"].as_str().unwrap();
    assert_eq!(sleep.len(), 8, "{sleep}");
    let parts: Vec<u32> = sleep.split(':').map(|part| part.parse().unwrap()).collect();
    let [hours, minutes, seconds] = parts[..] else {
        panic!("{sleep}")
    };
    assert!(hours < 24 && minutes < 60 && seconds < 60, "{sleep}");
    hours * 3600 + minutes * 60 + seconds
}

#[tokio::test]
async fn the_long_interval_differs_by_device_and_stays() {
    let app = TestApp::with(&slow_polls()).await;
    let mut intervals = BTreeSet::new();
    for index in 0..20 {
        let device = Device::new(&app, &format!("pump-{index}"));
        let first = seconds(&device.poll().await);
        assert!((3240..=3960).contains(&first), "{first}");
        assert_eq!(seconds(&device.poll().await), first, "stable");
        intervals.insert(first);
    }
    assert!(
        intervals.len() > 10,
        "a fleet must not come at once: {intervals:?}"
    );
}

#[tokio::test]
async fn intervals_stay_within_a_day_and_above_nothing() {
    for (interval, least, most) in [(86_399, 77_000, 86_399), (1, 1, 2)] {
        let config = CONFIG.replace("poll_interval: 2", &format!("poll_interval: {interval}"));
        let app = TestApp::with(&config).await;
        for index in 0..20 {
            let told = seconds(&Device::new(&app, &format!("pump-{index}")).poll().await);
            assert!((least..=most).contains(&told), "{told}");
        }
    }
}

#[tokio::test]
async fn the_interval_is_short_while_something_is_open() {
    let app = TestApp::with(&slow_polls()).await;
    let [device] = joined(&app, ["pump-1"]).await;
    assert!(seconds(&device.poll().await) > 3000);
    roll_out(&app, "1.1.0").await;
    assert_eq!(seconds(&device.poll().await), 1);
    let (action, _) = device.offer().await;
    assert_eq!(seconds(&device.poll().await), 1);
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert!(seconds(&device.poll().await) > 3000);
}

#[tokio::test]
async fn nothing_is_linked_when_nothing_applies() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    let poll = device.poll().await;
    assert!(
        poll.get("_links")
            .is_none_or(|links| links == &serde_json::json!({}))
    );
}

#[tokio::test]
async fn at_most_one_action_is_linked_and_the_link_has_its_query() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let links = device.poll().await["_links"].clone();
    let names: Vec<&String> = links.as_object().unwrap().keys().collect();
    assert_eq!(names, ["deploymentBase"]);
    let href = links["deploymentBase"]["href"].as_str().unwrap();
    let (path, query) = href.split_once('?').unwrap();
    let value: Result<i32, _> = query.strip_prefix("c=").unwrap().parse();
    assert!(value.is_ok(), "{query}");
    let id: u32 = path.rsplit('/').next().unwrap().parse().unwrap();
    assert!(id >= 11 && id % 2 == 1 && i32::try_from(id).is_ok(), "{id}");
    assert_eq!(
        device.link("deploymentBase").await,
        href,
        "unchanged while the content is"
    );
    for query in ["?c=-7", "", "?c=0&actionHistory=5"] {
        assert_eq!(
            device.get(&format!("{path}{query}")).await.status,
            200,
            "{query}"
        );
    }
}

#[tokio::test]
async fn who_has_the_answer_gets_304() {
    let app = TestApp::with(&slow_polls()).await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let deployment = device.link("deploymentBase").await;
    for path in ["", &deployment] {
        let first = device.get(path).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        for (known, wanted) in [
            (etag.clone(), 304),
            (format!("\"other\", {etag}"), 304),
            (format!("W/{etag}"), 304),
            ("\"other\"".to_owned(), 200),
        ] {
            let request = device.request(reqwest::Method::GET, path);
            let answer = device.send(request.header("if-none-match", &known)).await;
            assert_eq!(answer.status, wanted, "{known}");
            assert_eq!(answer.header("etag"), etag);
            assert_eq!(answer.text.is_empty(), wanted == 304);
        }
    }
    let before = device.get("").await.header("etag").to_owned();
    let (action, _) = device.offer().await;
    assert_eq!(device.feedback(action, SUCCESS).await, 200);
    assert_ne!(device.get("").await.header("etag"), before);
}

#[tokio::test]
async fn answers_come_in_the_form_that_was_asked_for() {
    let app = TestApp::start().await;
    let [device] = joined(&app, ["pump-1"]).await;
    roll_out(&app, "1.1.0").await;
    let deployment = device.link("deploymentBase").await;
    for (accept, kind) in [
        ("*/*", "application/hal+json"),
        ("application/hal+json", "application/hal+json"),
        ("application/json", "application/json"),
        ("application/json;charset=UTF-8", "application/json"),
        ("text/html, */*;q=0.1", "application/hal+json"),
        ("text/html", ""),
        ("image/png, text/plain", ""),
    ] {
        for path in ["", &deployment] {
            let request = device.request(reqwest::Method::GET, path);
            let answer = device.send(request.header("accept", accept)).await;
            let wanted = if kind.is_empty() { 406 } else { 200 };
            assert_eq!(answer.status, wanted, "{accept}");
            if wanted == 200 {
                assert!(answer.header("content-type").starts_with(kind), "{accept}");
            }
        }
    }
}

#[tokio::test]
async fn links_are_under_the_public_url_where_there_is_one() {
    let url = "https://ota.example.org/fleet";
    let config = format!("{CONFIG}  public_url: {url}/\n");
    let app = TestApp::with(&config).await;
    let device = Device::new(&app, "pump-1");
    let root = format!("{url}/DEFAULT/controller/v1/pump-1");
    assert_eq!(
        device.link("configData").await,
        format!("{root}/configData")
    );
}
