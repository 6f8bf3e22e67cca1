//! Stories of rollouts: a whole server, simulated devices over HTTP, every strategy.

use std::time::Duration;

use crate::support::{GATEWAY, TestApp};
use fleetward_device_sim::{Behaviour, Credentials, Fleet, FleetHandle};
use serde_json::json;
use tokio_util::sync::CancellationToken;

fn fleet(app: &TestApp, count: usize, behaviour: Behaviour) -> FleetHandle {
    Fleet::builder()
        .base_url(app.url(""))
        .tenant("production")
        .count(count)
        .seed(7)
        .models([("pump", "A", 0.7), ("pump", "B", 0.3)])
        .start_version("1.0.0")
        .attributes(|_| [("fleetward.staging".to_owned(), "true".to_owned())].into())
        .credentials(Credentials::GatewayToken(GATEWAY.to_owned()))
        .behaviour(behaviour)
        .time_scale(60.0)
        .min_poll(Duration::from_millis(50))
        .first_poll_within(Duration::from_millis(200))
        .start(CancellationToken::new())
        .unwrap()
}

async fn joined(app: &TestApp, count: u64) {
    let path = "/api/environments/production";
    app.admin()
        .wait_for(path, |env| {
            env["versions"] == json!([{"version": "1.0.0", "devices": count}])
        })
        .await;
}

#[tokio::test]
async fn a_canary_goes_to_the_end_and_a_bad_one_comes_back() {
    let app = TestApp::start().await;
    let admin = app.admin();
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        admin.upload(version).await;
    }
    let mut behaviour = Behaviour::default();
    behaviour.failure_by_version.insert("1.2.0".to_owned(), 0.5);
    let mut devices = fleet(&app, 40, behaviour);
    joined(&app, 40).await;

    let plan = |version: &str| {
        json!({
            "name": format!("Rollout {version}"), "firmware_version": version,
            "target_environment": "production", "strategy": "canary", "canary_percentage": 20,
            "monitor_seconds": 1, "rollback_criteria": {"max_failure_rate": 10},
        })
    };
    let good = admin.roll_out(plan("1.1.0")).await;
    let good = admin.outcome(&good).await;
    assert_eq!(good["status"], "succeeded", "{good:#}");
    assert_eq!(good["counts"], json!({"succeeded": 40}));
    assert_eq!(good["waves"][0]["devices"], 8);

    let bad_id = admin.roll_out(plan("1.2.0")).await;
    let bad = admin.outcome(&bad_id).await;
    assert_eq!(bad["status"], "rolled_back", "{bad:#}");
    let told = admin.decisions(&bad_id).await;
    assert!(
        told.iter().any(|d| d.starts_with("stopped: wave 1 has")),
        "{told:#?}"
    );

    let environment = admin.get("/api/environments/production").await;
    assert_eq!(
        environment["versions"],
        json!([{"version": "1.1.0", "devices": 40}])
    );
    devices.stop().await;
    assert!(devices.devices().all(|device| device.version == "1.1.0"));
    assert_eq!(devices.stats().violations, 0);
}
