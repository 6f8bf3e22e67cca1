//! Freezes: declared by people and by the configuration, in force from their beginning to their end, or until somebody
//! lifts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fleetward_server::app::freezes::{FreezeInForce, FreezeSource};
use fleetward_server::clock::Clock;
use fleetward_server::{ServeOptions, start};
use fleetward_store::StoreError;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{column, everything, fields, refused};
use crate::support::{ADMIN, CONFIG, Client, TestApp, configuration};

const FREEZES: &str = "/api/freezes";

/// Freeze periods that are over, in force and to come for a long time.
const PERIODS: &str = r#"
freeze_periods:
  - {from: "2001-01-01T00:00:00Z", until: "2002-01-01T00:00:00+01:00", reason: "Long ago"}
  - {from: "2001-01-01T00:00:00Z", until: "2201-01-01T00:00:00Z", reason: "Two hundred years"}
environments:
  lab: {stage: development}
  production:
    stage: production
    freeze_periods:
      - {from: "2201-01-01T00:00:00Z", until: "2202-01-01T00:00:00Z", reason: "Far ahead"}
"#;

async fn set(client: &Client<'_>, freeze: Value) -> Value {
    client.post(FREEZES, freeze).await
}

fn path(freeze: &Value) -> String {
    format!("{FREEZES}/{}", freeze["freeze_id"].as_str().unwrap())
}

async fn lift(client: &Client<'_>, freeze: &Value) {
    let (status, body) = client
        .send(client.request(Method::DELETE, &path(freeze)))
        .await;
    assert_eq!(status, 204, "{body}");
}

/// The reasons of what a query lists.
async fn reasons(client: &Client<'_>, query: &str) -> Vec<String> {
    let listed = client.get(&format!("{FREEZES}?{query}")).await;
    column(&listed, "reason")
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// The freezes of the audit trail, the newest first.
async fn audited(client: &Client<'_>) -> Vec<(String, String)> {
    let trail = client.get("/api/audit").await;
    let rows = trail["items"].as_array().unwrap().iter();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.map(|row| (text(row, "action"), text(row, "object")))
        .filter(|(action, _)| action.starts_with("freeze."))
        .collect()
}

/// The freeze that the driver finds.
async fn in_force(app: &TestApp, environment: &'static str) -> Option<FreezeInForce> {
    let inside = Arc::clone(app.server.app());
    let now = inside.clock.now();
    let store = inside.store.clone();
    store
        .read(move |tx| inside.freeze_in_force(tx, environment, now))
        .await
        .map_err(|error: StoreError| error.to_string())
        .unwrap()
}

#[tokio::test]
async fn a_freeze_of_everything_lasts_until_somebody_lifts_it() {
    let app = TestApp::start().await;
    let (operator, approver) = (app.role("operator").await, app.role("approver").await);
    let viewer = app.role("viewer").await;
    assert_eq!(in_force(&app, "staging").await, None);
    let made = set(&operator, json!({"reason": " Recall of pumps "})).await;
    assert_eq!(
        (&made["reason"], &made["status"], &made["source"]),
        (&json!("Recall of pumps"), &json!("in_force"), &json!("api"))
    );
    assert_eq!(
        (&made["environment"], &made["until"], &made["created_by"]),
        (&Value::Null, &Value::Null, &json!("operator"))
    );
    assert_eq!(viewer.get(&path(&made)).await, made);
    assert_eq!(viewer.get(FREEZES).await["items"], json!([made]));
    let id = made["freeze_id"].as_str().unwrap().to_owned();
    let expected = FreezeInForce {
        environment: None,
        until: None,
        reason: "Recall of pumps".to_owned(),
        source: FreezeSource::Api {
            freeze_id: id.clone(),
            by: "operator".to_owned(),
        },
    };
    assert_eq!(in_force(&app, "staging").await, Some(expected));

    lift(&approver, &made).await;
    let lifted = viewer.get(&path(&made)).await;
    assert_eq!(
        (&lifted["status"], &lifted["lifted_by"]),
        (&json!("lifted"), &json!("approver"))
    );
    assert_eq!(in_force(&app, "staging").await, None);
    lift(&operator, &made).await;
    assert_eq!(viewer.get(&path(&made)).await, lifted, "once is enough");
    let entries = ["freeze.lift", "freeze.set"].map(|action| (action.to_owned(), id.clone()));
    assert_eq!(audited(&viewer).await, entries);

    let app = app.restart(CONFIG).await;
    assert_eq!(app.admin().get(FREEZES).await["items"], json!([lifted]));
}

#[tokio::test]
async fn a_freeze_has_a_place_and_a_time() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let ahead = json!({
        "environment": "staging",
        "from": "2201-01-01T01:00:00+01:00",
        "until": "2201-01-02T00:00:00.0009Z",
        "reason": "ahead",
    });
    let ahead = set(&admin, ahead).await;
    assert_eq!(
        (&ahead["from"], &ahead["until"], &ahead["status"]),
        (
            &json!("2201-01-01T00:00:00Z"),
            &json!("2201-01-02T00:00:00Z"),
            &json!("scheduled")
        )
    );
    let past = json!({"environment": "lab", "from": "2001-01-01T00:00:00Z", "reason": "now"});
    let past = set(&admin, past).await;
    assert_eq!(past["status"], "in_force");
    assert_eq!(
        past["from"], past["created_at"],
        "nothing was frozen before"
    );
    set(&admin, json!({"reason": "all"})).await;
    lift(&admin, &past).await;
    for (query, expected) in [
        ("", vec!["all", "now", "ahead"]),
        ("standing=false", vec!["all", "now", "ahead"]),
        ("standing=true", vec!["all", "ahead"]),
        ("environment=lab", vec!["all", "now"]),
        ("environment=lab&standing=true", vec!["all"]),
        ("environment=staging&standing=true", vec!["all", "ahead"]),
        ("environment=moon", vec!["all"]),
    ] {
        assert_eq!(reasons(&admin, query).await, expected, "{query}");
    }
    lift(&admin, &ahead).await;
    assert_eq!(reasons(&admin, "standing=true").await, ["all"]);
}

#[tokio::test]
async fn a_freeze_is_over_at_its_end() {
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ahead);
    let now = move || Timestamp::now() + SignedDuration::from_hours(clock.load(Ordering::SeqCst));
    let folder = tempfile::tempdir().unwrap();
    let options = ServeOptions {
        config: configuration(CONFIG),
        data_dir: folder.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        bootstrap_key: Some(ADMIN.to_owned()),
        clock: Clock::of(now),
    };
    let app = TestApp {
        server: start(options).await.unwrap(),
        folder,
        http: reqwest::Client::new(),
    };
    let admin = app.admin();
    let until = Timestamp::now() + SignedDuration::from_hours(2);
    let made = set(&admin, json!({"until": until, "reason": "r"})).await;
    ahead.store(1, Ordering::SeqCst);
    assert_eq!(admin.get(&path(&made)).await["status"], "in_force");
    assert!(in_force(&app, "lab").await.is_some());
    ahead.store(3, Ordering::SeqCst);
    let over = admin.get(&path(&made)).await;
    assert_eq!(over["status"], "over");
    assert_eq!(in_force(&app, "lab").await, None);
    assert!(reasons(&admin, "standing=true").await.is_empty());
    lift(&admin, &made).await;
    assert_eq!(admin.get(&path(&made)).await, over, "it ended before");
    assert_eq!(audited(&admin).await.len(), 1);
}

#[tokio::test]
async fn a_freeze_that_cannot_be_is_not_made() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let before = everything(&admin).await;
    let cases = [
        (json!({"reason": " "}), "reason"),
        (json!({"reason": "r".repeat(501)}), "reason"),
        (json!({"reason": "r", "environment": "moon"}), "environment"),
        (json!({"reason": "r", "environment": ""}), "environment"),
        (json!({"reason": "r", "from": "2201-01-01"}), "from"),
        (json!({"reason": "r", "until": "tomorrow"}), "until"),
        (
            json!({"reason": "r", "until": "2001-01-01T00:00:00Z"}),
            "until",
        ),
        (
            json!({"reason": "r", "from": "2201-01-01T00:00:00Z", "until": "2201-01-01T00:00:00Z"}),
            "until",
        ),
    ];
    for (body, field) in cases {
        let request = admin.request(Method::POST, FREEZES).json(&body);
        let problem = refused(request, 422, "invalid").await;
        assert_eq!(fields(&problem), [field], "{body}");
    }
    for body in [json!({}), json!({"reason": "r", "freeze_id": "mine"})] {
        let request = admin.request(Method::POST, FREEZES).json(&body);
        refused(request, 422, "invalid").await;
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test]
async fn periods_of_the_configuration_are_listed_behind_the_others() {
    let app = TestApp::with(PERIODS).await;
    let admin = app.admin();
    for reason in ["first", "second"] {
        set(&admin, json!({"environment": "lab", "reason": reason})).await;
    }
    let listed = admin.get(FREEZES).await;
    let all = [
        "second",
        "first",
        "Long ago",
        "Two hundred years",
        "Far ahead",
    ];
    assert_eq!(column(&listed, "reason"), all);
    let statuses = ["in_force", "in_force", "over", "in_force", "scheduled"];
    assert_eq!(column(&listed, "status"), statuses);
    let period = &listed["items"][2];
    assert_eq!(
        (&period["source"], &period["freeze_id"], &period["until"]),
        (
            &json!("configuration"),
            &Value::Null,
            &json!("2001-12-31T23:00:00Z")
        )
    );
    assert_eq!(listed["items"][4]["environment"], "production");
    for (query, expected) in [
        ("standing=true", vec![0, 1, 3, 4]),
        ("environment=production", vec![2, 3, 4]),
        ("environment=lab&standing=true", vec![0, 1, 3]),
    ] {
        let expected: Vec<&str> = expected.into_iter().map(|row: usize| all[row]).collect();
        assert_eq!(reasons(&admin, query).await, expected, "{query}");
    }
    for limit in 1..=6 {
        let (mut found, mut query) = (Vec::new(), format!("limit={limit}"));
        loop {
            let part = admin.get(&format!("{FREEZES}?{query}")).await;
            let rows = column(&part, "reason");
            assert!((1..=limit).contains(&rows.len()), "{query}: {part}");
            found.extend(rows.into_iter().map(str::to_owned));
            match part["next_cursor"].as_str() {
                Some(cursor) => query = format!("limit={limit}&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(found, all, "in parts of {limit}");
    }
}

#[tokio::test]
async fn the_freeze_that_ends_last_is_the_one_in_force() {
    let app = TestApp::with(PERIODS).await;
    let admin = app.admin();
    let period = in_force(&app, "lab").await.unwrap();
    assert_eq!(
        (period.reason.as_str(), &period.source),
        ("Two hundred years", &FreezeSource::Configuration)
    );
    let short = json!({"until": "2200-01-01T00:00:00Z", "reason": "short"});
    set(&admin, short).await;
    assert_eq!(in_force(&app, "lab").await, Some(period.clone()));
    let long = json!({"environment": "lab", "until": "2202-01-01T00:00:00Z", "reason": "long"});
    set(&admin, long).await;
    assert_eq!(in_force(&app, "lab").await.unwrap().reason, "long");
    assert_eq!(in_force(&app, "production").await, Some(period));
}

#[tokio::test]
async fn a_repeated_request_freezes_once() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let body = json!({"reason": "Recall"});
    let post = || {
        let request = admin.request(Method::POST, FREEZES).json(&body);
        admin.send(request.header("idempotency-key", "a"))
    };
    let (first, second) = (post().await, post().await);
    assert_eq!(first.0, 201);
    assert_eq!(first, second);
    assert_eq!(reasons(&admin, "").await, ["Recall"]);
    let remove = || {
        let request = admin.request(Method::DELETE, &path(&first.1));
        admin.send(request.header("idempotency-key", "b"))
    };
    assert_eq!(remove().await.0, 204);
    assert_eq!(remove().await.0, 204);
    let other = admin.request(Method::DELETE, &format!("{FREEZES}/none"));
    let other = other.header("idempotency-key", "b");
    refused(other, 422, "idempotency_key_reused").await;
    assert_eq!(audited(&admin).await.len(), 2);
}
