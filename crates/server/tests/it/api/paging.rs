//! Lists in parts, and filters.

use serde_json::{Value, json};

use super::{add_devices, column, plan};
use crate::support::{Client, TestApp};

/// All parts of a list.
async fn parts(client: &Client<'_>, path: &str) -> Vec<Value> {
    let mut parts = vec![client.get(path).await];
    while let Some(cursor) = parts.last().unwrap()["next_cursor"].as_str() {
        assert!(parts.len() < 100, "{path} never ends");
        let next = format!(
            "{path}{}cursor={cursor}",
            if path.contains('?') { '&' } else { '?' }
        );
        parts.push(client.get(&next).await);
    }
    parts
}

fn sizes(parts: &[Value]) -> Vec<usize> {
    parts
        .iter()
        .map(|part| part["items"].as_array().unwrap().len())
        .collect()
}

/// One value of every row of all parts.
fn all<'a>(parts: &'a [Value], name: &str) -> Vec<&'a str> {
    parts.iter().flat_map(|part| column(part, name)).collect()
}

#[tokio::test]
async fn every_device_is_in_one_part() {
    let app = TestApp::start().await;
    let admin = app.admin();
    add_devices(&admin, "lab", 120).await;
    let expected: Vec<String> = (0..120).map(|number| format!("d-{number:03}")).collect();
    for (limit, expected_sizes) in [
        ("?limit=50", vec![50, 50, 20]),
        ("", vec![50, 50, 20]),
        ("?limit=40", vec![40, 40, 40]),
        ("?limit=120", vec![120]),
        ("?limit=119", vec![119, 1]),
        ("?limit=1000", vec![120]),
    ] {
        let parts = parts(&admin, &format!("/api/devices{limit}")).await;
        assert_eq!(sizes(&parts), expected_sizes, "{limit}");
        assert_eq!(all(&parts, "device_id"), expected, "{limit}");
        let last = parts.last().unwrap().as_object().unwrap();
        assert!(!last.contains_key("next_cursor"), "{limit}");
    }
}

#[tokio::test]
async fn devices_that_come_in_between_are_not_in_the_way() {
    let app = TestApp::start().await;
    let admin = app.admin();
    add_devices(&admin, "lab", 6).await;
    let first = admin.get("/api/devices?limit=4").await;
    let late = json!({"device_id": "a-late", "environment": "lab"});
    admin.post("/api/devices", late).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = admin
        .get(&format!("/api/devices?limit=4&cursor={cursor}"))
        .await;
    let found = [column(&first, "device_id"), column(&second, "device_id")].concat();
    assert_eq!(
        found,
        [
            "d-000", "d-001", "d-002", "d-003", "d-004", "d-005", "a-late"
        ]
    );
}

#[tokio::test]
async fn devices_are_filtered() {
    let app = TestApp::start().await;
    let admin = app.admin();
    add_devices(&admin, "lab", 30).await;
    let other = json!({"device_id": "x%_D-0", "environment": "staging", "model": "pump"});
    admin.post("/api/devices", other).await;
    for (filter, count) in [
        ("environment=lab", 30),
        ("environment=staging", 1),
        ("environment=moon", 0),
        ("model=pump", 11),
        ("model=pum", 0),
        ("model=pump&environment=lab", 10),
        ("search=d-00", 10),
        ("search=d-0", 30),
        ("search=%25_", 1),
        ("search='", 0),
        ("version=1.0.0", 0),
        ("version=", 31),
        ("quarantined=true", 0),
        ("quarantined=false", 31),
    ] {
        let parts = parts(&admin, &format!("/api/devices?{filter}&limit=7")).await;
        assert_eq!(sizes(&parts).iter().sum::<usize>(), count, "{filter}");
    }
}

#[tokio::test]
async fn plans_executions_and_their_devices_come_in_parts_and_filtered() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "staging", 12).await;
    let mut made = Vec::new();
    for number in 0..7 {
        let environment = if number % 2 == 0 {
            "staging"
        } else {
            "production"
        };
        let mut plan = plan("1.0.0", environment);
        plan["strategy"] = json!("rolling");
        plan["batch_size"] = json!(5);
        made.push(super::planned(&admin, plan).await);
    }
    made.reverse();
    let found = parts(&admin, "/api/deployment-plans?limit=3").await;
    assert_eq!(
        (sizes(&found), all(&found, "plan_id")),
        (vec![3, 3, 1], made.iter().map(String::as_str).collect())
    );
    let mut runs = Vec::new();
    for plan in made.iter().filter(|_| true).step_by(2) {
        let started = admin
            .post("/api/deployments/execute", json!({"plan_id": plan}))
            .await;
        let id = started["execution_id"].as_str().unwrap().to_owned();
        admin
            .post(&format!("/api/deployments/{id}/cancel"), json!({}))
            .await;
        runs.push((id, plan.clone()));
    }
    for (filter, count) in [
        ("environment=production", 3),
        ("status=pending_approval", 3),
        ("status=executed", 4),
        ("status=executed&environment=production", 0),
    ] {
        let found = parts(&admin, &format!("/api/deployment-plans?{filter}&limit=2")).await;
        assert_eq!(sizes(&found).iter().sum::<usize>(), count, "{filter}");
    }
    let (last, plan) = runs.last().unwrap();
    for (filter, count) in [
        ("environment=staging".to_owned(), 4),
        ("environment=production".to_owned(), 0),
        ("status=cancelled".to_owned(), 4),
        ("status=observing".to_owned(), 0),
        (format!("plan_id={plan}"), 1),
    ] {
        let found = parts(&admin, &format!("/api/deployments?{filter}&limit=3")).await;
        assert_eq!(sizes(&found).iter().sum::<usize>(), count, "{filter}");
    }
    let devices = format!("/api/deployments/{last}/devices");
    let found = parts(&admin, &format!("{devices}?limit=5")).await;
    assert_eq!(sizes(&found), [5, 5, 2]);
    for (filter, count) in [
        ("wave=1", 5),
        ("wave=3", 2),
        ("wave=4", 0),
        ("status=cancelled", 12),
        ("status=failed", 0),
    ] {
        let found = parts(&admin, &format!("{devices}?{filter}&limit=3")).await;
        assert_eq!(sizes(&found).iter().sum::<usize>(), count, "{filter}");
    }
}

#[tokio::test]
async fn the_audit_comes_in_parts_newest_first() {
    let app = TestApp::start().await;
    let admin = app.admin();
    add_devices(&admin, "lab", 11).await;
    let found = parts(&admin, "/api/audit?limit=4").await;
    assert_eq!(sizes(&found), [4, 4, 3]);
    let rows = found
        .iter()
        .flat_map(|part| part["items"].as_array().unwrap());
    let numbers: Vec<i64> = rows.map(|row| row["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=11).rev().collect::<Vec<_>>());
}
