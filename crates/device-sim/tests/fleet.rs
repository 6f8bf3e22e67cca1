//! A fleet of simulated devices updating over real HTTP on loopback.

mod double;

use double::{Double, TOKEN, VERSION};
use fleetward_device_sim::{Behaviour, Credentials, Fleet, FleetBuilder, Phase, ReportKind, Span};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DEVICES: usize = 200;

fn fleet(base_url: &str) -> FleetBuilder {
    let seconds = |shortest, longest| {
        Span::between(Duration::from_secs(shortest), Duration::from_secs(longest))
    };
    Fleet::builder()
        .base_url(base_url)
        .count(DEVICES)
        .seed(42)
        .models([("pump", "A", 0.7), ("pump", "B", 0.3)])
        .credentials(Credentials::GatewayToken(TOKEN.to_owned()))
        .behaviour(Behaviour {
            install_time: seconds(2, 10),
            reboot_time: seconds(2, 5),
            ..Behaviour::default()
        })
        .time_scale(200.0)
        .min_poll(Duration::from_millis(20))
        .record(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_updates_and_no_acknowledged_report_is_lost() {
    let double = Double::start().await;
    let behaviour = Behaviour {
        failure_by_version: BTreeMap::from([(VERSION.to_owned(), 0.1)]),
        offline: 0.15,
        report_twice: 0.2,
        install_time: Span::exactly(Duration::from_secs(5)),
        reboot_time: Span::exactly(Duration::from_secs(2)),
        ..Behaviour::default()
    };
    let mut fleet = fleet(&double.base_url)
        .behaviour(behaviour)
        .start(CancellationToken::new())
        .unwrap();
    let offline = fleet.stats().offline;
    assert!(
        (10..50).contains(&offline),
        "{offline} of {DEVICES} are offline"
    );
    double.ended(DEVICES - offline).await;
    assert_eq!(
        double.targets().len(),
        DEVICES - offline,
        "offline devices don't poll"
    );
    assert_eq!(fleet.bring_online(5), 5);
    double.ended(DEVICES - offline + 5).await;
    assert_eq!(fleet.bring_online(usize::MAX), offline - 5);
    double.ended(DEVICES).await;
    fleet.stop().await;

    let targets = double.targets().clone();
    let ended = |how| {
        targets
            .values()
            .filter(|target| target.end() == Some(how))
            .count()
    };
    let (succeeded, failed) = (ended("success"), ended("failure"));
    assert_eq!(succeeded + failed, DEVICES);
    assert!((8..40).contains(&failed), "{failed} of {DEVICES} failed");
    let stats = fleet.stats();
    assert_eq!(
        stats.by_version,
        BTreeMap::from([
            ("1.0.0".to_owned(), failed),
            (VERSION.to_owned(), succeeded)
        ])
    );
    assert_eq!(stats.by_phase, BTreeMap::from([(Phase::Idle, DEVICES)]));
    assert_eq!(
        (
            stats.violations,
            stats.refused,
            stats.dropped,
            stats.offered_again
        ),
        (0, 0, 0, 0)
    );
    assert!(stats.errors > 0, "some reports were turned away at first");
    let of_revision_b = targets
        .values()
        .filter(|target| target.attributes["hw_revision"] == "B")
        .count();
    assert_eq!(of_revision_b, 60);
    for (id, acknowledged) in fleet.acknowledged() {
        let acknowledged: Vec<_> = acknowledged
            .iter()
            .map(|report| words(report.kind))
            .collect();
        let kept = &targets[&id].reports;
        assert!(
            kept.starts_with(&acknowledged),
            "{id} was told {acknowledged:?} are kept, but {kept:?} are"
        );
        assert!(
            acknowledged.len() + 1 >= kept.len(),
            "{id}: at most the last answer was broken off"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_without_a_token_gets_nowhere_until_it_is_stopped() {
    let double = Double::start().await;
    let stop = CancellationToken::new();
    let mut fleet = fleet(&double.base_url)
        .credentials(Credentials::None)
        .start(stop.clone())
        .unwrap();
    while fleet.stats().refused < DEVICES as u64 {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    fleet.stop().await;
    assert!(double.targets().is_empty());
    let stats = fleet.stats();
    assert_eq!(
        stats.by_version,
        BTreeMap::from([("1.0.0".to_owned(), DEVICES)])
    );
    assert_eq!(
        fleet
            .devices()
            .filter(|device| device.phase == Phase::Idle)
            .count(),
        DEVICES
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn behaviour_changes_while_the_fleet_runs() {
    let double = Double::start().await;
    let behaviour = Behaviour {
        offline: 1.0,
        ..Behaviour::default()
    };
    let fleet = fleet(&double.base_url)
        .behaviour(behaviour)
        .start(CancellationToken::new())
        .unwrap();
    assert_eq!(fleet.stats().offline, DEVICES);
    assert!(
        fleet
            .set_behaviour(Behaviour {
                offline: 7.0,
                ..Behaviour::default()
            })
            .is_err()
    );
    fleet
        .set_behaviour(Behaviour {
            install_failure: 1.0,
            ..Behaviour::default()
        })
        .unwrap();
    double.ended(DEVICES).await;
    assert!(
        double
            .targets()
            .values()
            .all(|target| target.end() == Some("failure"))
    );
}

/// What a report looks like on the wire.
fn words(kind: ReportKind) -> (String, String) {
    let (execution, finished) = match kind {
        ReportKind::Downloading | ReportKind::Installing | ReportKind::Restarting => {
            ("proceeding", "none")
        }
        ReportKind::Downloaded => ("downloaded", "none"),
        ReportKind::Staged => ("downloaded", "success"),
        ReportKind::Succeeded | ReportKind::Skipped | ReportKind::CancelAccepted => {
            ("closed", "success")
        }
        ReportKind::Failed | ReportKind::CancelTooLate => ("closed", "failure"),
        ReportKind::CancelRefused => ("rejected", "none"),
    };
    (execution.to_owned(), finished.to_owned())
}
