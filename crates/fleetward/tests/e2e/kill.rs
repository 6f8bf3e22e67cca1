//! Power cuts: a server that is killed again and again in the middle of a rollout decides what an undisturbed one does,
//! and forgets nothing that it acknowledged.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleetward_device_sim::wire::ActionId;
use fleetward_device_sim::{Behaviour, FleetHandle, ReportKind, Span};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{CONFIG, LOOK, PATIENCE, Site, lasting_port};

const DEVICES: u64 = 500;
const KILLS: usize = 20;
/// Reports that are acknowledged in every run: four of a device that fails, one more of any other.
const LEAST_REPORTS: u64 = 4 * DEVICES;

/// Some fail, some report twice and some late.
fn behaviour() -> Behaviour {
    Behaviour {
        install_failure: 0.04,
        report_twice: 0.1,
        late_report: 0.1,
        late_by: Span::between(Duration::from_secs(10), Duration::from_secs(40)),
        ..Behaviour::default()
    }
}

fn plan() -> Value {
    json!({
        "name": "Through power cuts", "firmware_version": "1.1.0",
        "target_environment": "production", "strategy": "canary",
        "monitor_seconds": 1, "rollback_criteria": {"max_failure_rate": 10},
    })
}

/// A rollout under way, with what carries it.
struct Run {
    site: Site,
    devices: FleetHandle,
    execution: String,
}

impl Run {
    async fn start(port: u16) -> Self {
        let site = Site::on_port(CONFIG, port).await;
        site.upload("1.0.0").await;
        site.upload("1.1.0").await;
        let devices = site
            .fleet(DEVICES as usize, behaviour())
            .record(true)
            .start(CancellationToken::new())
            .unwrap();
        site.all_on("1.0.0", DEVICES).await;
        let execution = site.roll_out(plan()).await;
        Self {
            site,
            devices,
            execution,
        }
    }

    /// Waits for the end and until the devices have nothing left to say; answers with the execution.
    async fn finish(&mut self) -> Value {
        let execution = self.site.outcome(&self.execution).await;
        until(|| self.devices.stats().unsent == 0).await;
        self.devices.stop().await;
        execution
    }

    /// What was decided, without the times.
    async fn decided(&self) -> Vec<Value> {
        let mut decisions = self.site.decisions(&self.execution).await;
        for decision in &mut decisions {
            let at = decision.as_object_mut().unwrap().remove("at");
            assert!(at.is_some());
        }
        decisions
    }
}

async fn until(wished: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wished() {
        assert!(begun.elapsed() < PATIENCE, "nothing moves any more");
        tokio::time::sleep(LOOK / 10).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_twenty_times() {
    let (mut disturbed, mut undisturbed) = tokio::join!(Run::start(lasting_port()), Run::start(0));
    let (_, calm) = tokio::join!(kill_often(&mut disturbed), undisturbed.finish());
    let execution = disturbed.finish().await;

    assert_eq!(execution["status"], "succeeded", "{execution:#}");
    assert_eq!(calm["counts"], execution["counts"]);
    assert_eq!(disturbed.decided().await, undisturbed.decided().await);
    let stats = disturbed.devices.stats();
    assert_eq!((stats.violations, stats.dropped), (0, 0), "{stats:?}");
    let outcomes = outcomes(&disturbed, &execution).await;
    check_devices(&disturbed, &execution, &outcomes).await;
}

/// Kills and restarts the server at moments by chance, spread over the reports of the whole rollout.
async fn kill_often(run: &mut Run) {
    let mut chance = StdRng::seed_from_u64(42);
    let mut moments: Vec<u64> = (0..KILLS)
        .map(|_| chance.random_range(0..LEAST_REPORTS))
        .collect();
    moments.sort_unstable();
    for moment in moments {
        until(|| run.devices.stats().acknowledged >= moment).await;
        // Not only just after a report.
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..200))).await;
        run.site.kill().await;
        run.site.start_again().await;
    }
    let path = format!("/api/deployments/{}", run.execution);
    let execution = run.site.get(&path).await;
    assert_eq!(execution["finished"], false, "the kills came too late");
}

/// Each device's wave and final status. They agree with the counts and with what the devices run.
async fn outcomes(run: &Run, execution: &Value) -> BTreeMap<String, (usize, String)> {
    let mut found = BTreeMap::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let first = format!("/api/deployments/{}/devices?limit=200", run.execution);
    let mut path = first.clone();
    loop {
        let page = run.site.get(&path).await;
        for device in page["items"].as_array().unwrap() {
            let text = |key: &str| device[key].as_str().unwrap().to_owned();
            let (id, status) = (text("device_id"), text("status"));
            let wave = device["wave"].as_u64().unwrap() as usize;
            *counts.entry(status.clone()).or_default() += 1;
            let again = found.insert(id.clone(), (wave, status));
            assert!(again.is_none(), "{id} is listed twice");
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found.len() as u64, DEVICES);
    assert_eq!(json!(counts), execution["counts"]);
    assert!(counts["failed"] > 0, "{counts:?}");
    assert_eq!(counts["failed"] + counts["succeeded"], DEVICES);
    for device in run.devices.devices() {
        let updated = found[&device.id].1 == "succeeded";
        assert_eq!(device.version == "1.1.0", updated, "{device:?}");
    }
    found
}

/// Each device was released once, not before its wave, and every report that it saw acknowledged is there.
async fn check_devices(run: &Run, execution: &Value, outcomes: &BTreeMap<String, (usize, String)>) {
    for (id, reports) in run.devices.acknowledged() {
        let device = run.site.get(&format!("/api/devices/{id}")).await;
        let attempts = device["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{device:#}");
        let attempt = &attempts[0];
        assert_eq!(attempt["kind"], "deploy");
        let (wave, status) = &outcomes[&id];
        let released = time(&execution["waves"][wave - 1]["released_at"]);
        assert!(
            time(&attempt["opened_at"]) >= released,
            "wave {wave} was released at {released}, and {device:#}"
        );

        let mut acknowledged: BTreeMap<(ActionId, &str), usize> = BTreeMap::new();
        for report in &reports {
            let meaning = meaning(report.kind);
            *acknowledged.entry((report.action, meaning)).or_default() += 1;
        }
        let ended = acknowledged.keys().any(|(_, meaning)| meaning == status);
        assert!(ended, "{id} is {status} and says {reports:?}");
        let messages = attempt["messages"].as_array().unwrap();
        for ((action, meaning), count) in acknowledged {
            assert_eq!(attempt["action_id"], action.number());
            let stored = messages.iter().filter(|said| said["report"] == meaning);
            assert!(
                stored.count() >= count,
                "{id}: {meaning} is lost: {attempt:#}"
            );
        }
    }
}

fn time(text: &Value) -> Timestamp {
    text.as_str().unwrap().parse().unwrap()
}

/// What the server makes of a report.
fn meaning(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Downloading | ReportKind::Installing | ReportKind::Restarting => "installing",
        ReportKind::Downloaded | ReportKind::Staged => "downloaded",
        ReportKind::Succeeded | ReportKind::Skipped => "succeeded",
        ReportKind::Failed => "failed",
        ReportKind::CancelAccepted => "cancel_accepted",
        ReportKind::CancelRefused | ReportKind::CancelTooLate => "cancel_refused",
    }
}
