//! One story of a rollout told against the store alone: what effects and reports do to rows and counts.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeMap;

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus, Report};
use fleetward_core::engine::{Census, Effect, Recipients, Rollout, UnfetchedFate};
use fleetward_core::ids::{ActionId, WaveIndex};
use fleetward_core::plan::{Plan, PlanState, Review};
use fleetward_store::actions::{RosterRow, roster_after};
use fleetward_store::devices::NewDevice;
use fleetward_store::effects::{Target, carry_out};
use fleetward_store::executions::Execution;
use fleetward_store::firmware::Firmware;
use fleetward_store::page::Page;
use fleetward_store::plans::StoredPlan;
use fleetward_store::reports::{Applied, DeviceReport, apply};
use fleetward_store::{
    Store, StoreError, Tx, assignments, comers, devices, executions, firmware, plans, tallies,
};
use tempfile::TempDir;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn image(version: &str) -> Firmware {
    Firmware {
        firmware_key: 0,
        firmware_id: format!("fw_{version}"),
        version: version.into(),
        name: "os".into(),
        format: "raw".into(),
        file_name: format!("{version}.bin"),
        size: 10,
        sha256: format!("sha256 of {version}"),
        sha1: "1".into(),
        md5: "5".into(),
        hardware: Vec::new(),
        signed: false,
        findings: Vec::new(),
        withdrawn: None,
        created_at: at(0),
        created_by: "ann".into(),
    }
}

fn plan() -> Plan {
    serde_json::from_value(serde_json::json!({
        "name": "Story", "firmware_version": "2.0.0", "target_environment": "field",
        "strategy": "rolling", "rollout_percentage": 100, "canary_percentage": 10,
        "canary_steps": [100], "batch_percentage": 50, "monitor_seconds": 0,
        "rollback_criteria": {"max_failure_rate": 10}, "auto_rollback": true,
        "device_timeout": 3600, "rollback_timeout": 600, "offline_policy": "late",
    }))
    .unwrap()
}

struct Story {
    store: Store,
    target: Target,
    rollout: Rollout,
    _folder: TempDir,
}

impl Story {
    /// Ten devices on 1.0.0, and an execution that brings 2.0.0 in two waves of five.
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 2).unwrap();
        let rollout = Rollout::new(&plan(), &[5, 5]);
        let target = store.write(prepare).await.unwrap();
        Self {
            store,
            target,
            rollout,
            _folder: folder,
        }
    }

    async fn effect(&self, effect: Effect, second: i64) -> Vec<i64> {
        let (target, order) = (self.target, self.rollout.order.clone());
        let run = move |tx: &Tx<'_>| carry_out(tx, target, &effect, &order, at(second));
        self.store.write(run).await.unwrap()
    }

    async fn report(&self, device_key: i64, report: Report, second: i64) -> Applied {
        let action = self.roster().await[&device_key]
            .action
            .map_or(ActionId(0), |a| a.action_id);
        self.report_on(device_key, action, report, second).await
    }

    async fn report_on(
        &self,
        device: i64,
        action: ActionId,
        report: Report,
        second: i64,
    ) -> Applied {
        let report = DeviceReport {
            device_key: device,
            action,
            report,
            detail: "[]".into(),
        };
        let run = move |tx: &Tx<'_>| apply(tx, &[report], at(second));
        self.store.write(run).await.unwrap()[0]
    }

    async fn arrives(&self, device: i64, second: i64) -> Vec<i64> {
        let run = move |tx: &Tx<'_>| comers::arrived(tx, &[device], at(second));
        self.store.write(run).await.unwrap()
    }

    async fn roster(&self) -> BTreeMap<i64, RosterRow> {
        let rows = self
            .store
            .read(|tx| roster_after(tx, 0, 100))
            .await
            .unwrap();
        rows.into_iter().map(|row| (row.device_key, row)).collect()
    }

    async fn census(&self) -> Census {
        let key = self.target.execution_key;
        let census = self
            .store
            .read(move |tx| tallies::census(tx, key, 2))
            .await
            .unwrap();
        // Counts kept beside the rows are the counts of the rows.
        let all = Page {
            after: None,
            limit: 100,
        };
        let list = move |tx: &Tx<'_>| assignments::of_execution(tx, key, None, None, all);
        let rows = self.store.read(list).await.unwrap().rows;
        for status in DeviceStatus::ALL {
            let counted = rows.iter().filter(|row| row.status == status).count() as u64;
            assert_eq!(census.count(status), counted, "{status}");
        }
        census
    }
}

fn prepare(tx: &Tx<'_>) -> Result<Target, StoreError> {
    firmware::insert(tx, &image("1.0.0"))?;
    let firmware_key = firmware::insert(tx, &image("2.0.0"))?;
    let mut keys = Vec::new();
    for n in 0..10 {
        let device = NewDevice {
            device_id: format!("dev-{n}"),
            environment: "field".into(),
            version: if n == 9 {
                "0.9.0".into()
            } else {
                "1.0.0".into()
            },
            can_stage: n % 2 == 0,
            ..NewDevice::default()
        };
        keys.push(devices::insert(tx, &device, at(0))?);
    }
    let stored = StoredPlan {
        plan_key: 0,
        plan_id: "plan_1".into(),
        state: PlanState::Approved,
        plan: plan(),
        digest: "d".into(),
        created_at: at(0),
        created_by: "ann".into(),
        approved: None,
        comment: None,
        revision: 1,
        expires_at: None,
        devices: None,
        review: Review::None,
    };
    let plan_key = plans::insert(tx, &stored)?;
    let execution = Execution {
        execution_key: 0,
        execution_id: "exec_1".into(),
        plan_key,
        plan_id: "plan_1".into(),
        environment: "field".into(),
        firmware_key,
        rollout: Rollout::new(&plan(), &[5, 5]),
        devices: 10,
        excluded: BTreeMap::new(),
        created_at: at(0),
        created_by: "ann".into(),
        finished_at: None,
    };
    let execution_key = executions::insert(tx, &execution)?;
    let waves = [keys[..5].to_vec(), keys[5..].to_vec()];
    assignments::choose(tx, execution_key, &waves, at(0))?;
    assert!(
        assignments::write_out(tx, Some(execution_key), 0)?,
        "the second wave is kept"
    );
    assert!(!assignments::write_out(tx, None, 10)?);
    Ok(Target {
        execution_key,
        firmware_key,
    })
}

const FIRST: WaveIndex = WaveIndex(0);
const SECOND: WaveIndex = WaveIndex(1);

fn to(to: Recipients) -> Effect {
    Effect::Offer {
        to,
        at_most: u64::MAX,
        zones: None,
    }
}

fn offer(through: WaveIndex) -> Effect {
    to(Recipients::Waves {
        through,
        staging: false,
    })
}

fn stage(through: WaveIndex) -> Effect {
    to(Recipients::Waves {
        through,
        staging: true,
    })
}

const fn switch(wave: WaveIndex) -> Effect {
    Effect::Switch {
        wave,
        at_most: u64::MAX,
        zones: None,
    }
}

fn recall(second: i64) -> Effect {
    Effect::Recall {
        at_most: u64::MAX,
        deadline: at(second),
    }
}

#[tokio::test]
async fn a_release_offers_each_device_of_the_wave_one_action() {
    let story = Story::begin().await;
    assert_eq!(story.effect(offer(FIRST), 10).await, [1, 2, 3, 4, 5]);
    assert_eq!(
        story.effect(offer(FIRST), 11).await,
        [0i64; 0],
        "twice is once"
    );
    let roster = story.roster().await;
    let ids: Vec<u32> = roster
        .values()
        .filter_map(|r| r.action)
        .map(|a| a.action_id.0)
        .collect();
    assert_eq!(ids, [11, 13, 15, 17, 19]);
    let census = story.census().await;
    assert_eq!(census.waves[0].count(DeviceStatus::Released), 5);
    assert_eq!(census.waves[1].count(DeviceStatus::Pending), 5);
    assert_eq!(census.earliest_deadline, Some(at(3610)));
}

#[tokio::test]
async fn reports_move_devices_and_counts_together() {
    let story = Story::begin().await;
    story.effect(offer(FIRST), 10).await;
    story.report(1, Report::Retrieved, 20).await;
    assert!(story.roster().await[&1].action.unwrap().fetched);
    story.report(1, Report::Installing, 30).await;
    story.report(1, Report::Succeeded, 40).await;
    let again = story
        .report_on(1, ActionId(11), Report::Succeeded, 41)
        .await;
    assert!(matches!(again, Applied::Changed { change, moved: false, .. } if change.late));
    story.report(2, Report::Failed, 50).await;
    assert_eq!(
        story.report_on(3, ActionId(999), Report::Failed, 50).await,
        Applied::Unknown
    );
    assert_eq!(
        story.report_on(3, ActionId(11), Report::Failed, 50).await,
        Applied::Unknown
    );
    let answer = story.report(3, Report::CancelAccepted, 50).await;
    assert_eq!(answer, Applied::NotCancelling);
    let census = story.census().await;
    assert_eq!(census.count(DeviceStatus::Succeeded), 1);
    assert_eq!(census.count(DeviceStatus::Failed), 1);
    let device = story
        .store
        .read(|tx| devices::find(tx, "dev-0"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(device.version, "2.0.0");
    assert!(story.roster().await[&1].wants_attributes);
}

#[tokio::test]
async fn deadlines_tell_the_absent_from_the_silent() {
    let story = Story::begin().await;
    story.effect(offer(FIRST), 10).await;
    story.report(1, Report::Retrieved, 20).await;
    story.report(2, Report::Rebooting, 20).await;
    let expire = Effect::Expire {
        unfetched: UnfetchedFate::Late,
    };
    assert!(
        story.effect(expire.clone(), 3609).await.is_empty(),
        "not before its time"
    );
    story.effect(expire, 3620).await;
    let census = story.census().await;
    assert_eq!(census.count(DeviceStatus::TimedOut), 2);
    assert_eq!(census.waves[0].late(), 3);
    assert_eq!(census.of(Class::Absent, DeviceStatus::Pending), 3);
    assert_eq!(census.earliest_deadline, None);
    let answer = story
        .report_on(1, ActionId(11), Report::Succeeded, 4000)
        .await;
    assert!(
        matches!(answer, Applied::Changed { moved: true, .. }),
        "late, but it came through"
    );
    assert_eq!(story.census().await.count(DeviceStatus::Succeeded), 1);
}

#[tokio::test]
async fn an_absent_device_gets_its_offer_when_it_comes() {
    let story = Story::begin().await;
    story.effect(offer(FIRST), 10).await;
    story
        .effect(
            Effect::Expire {
                unfetched: UnfetchedFate::Late,
            },
            3610,
        )
        .await;
    let row = &story.roster().await[&4];
    assert_eq!((row.action, row.straggles), (None, Some(Class::Absent)));
    let stragglers = to(Recipients::Stragglers { joined: true });
    assert_eq!(
        story.effect(stragglers.clone(), 3700).await,
        [0i64; 0],
        "nobody has come"
    );
    assert_eq!(story.arrives(4, 3800).await, [story.target.execution_key]);
    assert_eq!(story.arrives(4, 3801).await, [0i64; 0], "once is enough");
    let census = story.census().await;
    assert_eq!(census.of(Class::Arrived, DeviceStatus::Pending), 1);
    assert_eq!(
        story.effect(offer(SECOND), 3900).await,
        [6, 7, 8, 9, 10],
        "a wave's offer is not for stragglers"
    );
    assert_eq!(story.effect(stragglers, 3900).await, [4]);
    story.report(4, Report::Retrieved, 3910).await;
    story.report(4, Report::Succeeded, 3950).await;
    let census = story.census().await;
    assert_eq!(census.of(Class::Arrived, DeviceStatus::Succeeded), 1);
    assert_eq!(census.offers, 11);
}

#[tokio::test]
async fn a_recall_reaches_or_names_every_device_that_took_the_update() {
    let story = Story::begin().await;
    story.effect(offer(FIRST), 10).await;
    story.effect(offer(SECOND), 10).await;
    for device in [1, 2, 10] {
        story.report(device, Report::Retrieved, 20).await;
        story.report(device, Report::Succeeded, 30).await;
    }
    story.report(3, Report::Retrieved, 30).await;
    story.effect(Effect::Withdraw, 40).await;
    story.effect(Effect::StopInFlight, 40).await;
    assert_eq!(story.effect(recall(640), 40).await, [1, 2]);
    assert_eq!(
        story.effect(recall(641), 41).await,
        [0i64; 0],
        "twice is once"
    );
    let census = story.census().await;
    assert_eq!(census.count(DeviceStatus::RollingBack), 2);
    assert_eq!(
        census.count(DeviceStatus::RollbackFailed),
        1,
        "0.9.0 has no image here"
    );
    assert_eq!(census.count(DeviceStatus::Cancelled), 6);
    assert_eq!(census.count(DeviceStatus::Downloading), 1);
    story.report(3, Report::CancelAccepted, 45).await;
    story.report(1, Report::Succeeded, 50).await;
    story
        .effect(
            Effect::Expire {
                unfetched: UnfetchedFate::Late,
            },
            700,
        )
        .await;
    let census = story.census().await;
    assert_eq!(census.count(DeviceStatus::RolledBack), 1);
    assert_eq!(census.count(DeviceStatus::RollbackFailed), 2);
    let find = |tx: &Tx<'_>| devices::find(tx, "dev-0");
    assert_eq!(
        story.store.read(find).await.unwrap().unwrap().version,
        "1.0.0"
    );
    let stuck = story
        .store
        .read(|tx| devices::find(tx, "dev-1"))
        .await
        .unwrap()
        .unwrap();
    assert!(stuck.quarantined && stuck.version == "2.0.0");
}

#[tokio::test]
async fn staging_holds_back_who_cannot() {
    let story = Story::begin().await;
    assert_eq!(story.effect(stage(FIRST), 10).await, [1, 3, 5]);
    story.report(1, Report::Retrieved, 20).await;
    story.report(1, Report::Downloaded, 30).await;
    story.report(3, Report::Retrieved, 20).await;
    let skipped = story.report(3, Report::Succeeded, 30).await;
    assert!(matches!(skipped, Applied::Changed { change, .. } if change.hold_back));
    let census = story.census().await;
    assert_eq!(census.waves[0].count(DeviceStatus::Verifying), 1);
    assert_eq!(census.waves[0].count(DeviceStatus::Pending), 3);
    assert_eq!(story.effect(switch(FIRST), 40).await, [1]);
    assert_eq!(
        story.effect(switch(FIRST), 41).await,
        [0i64; 0],
        "twice is once"
    );
    let census = story.census().await;
    assert_eq!(census.waves[0].count(DeviceStatus::Installing), 1);
    assert_eq!(story.effect(offer(FIRST), 42).await, [2, 3, 4]);
    let staging = |row: &RosterRow| row.action.is_some_and(|action| action.staging);
    let roster = story.roster().await;
    let still: Vec<i64> = roster
        .values()
        .filter(|r| staging(r))
        .map(|r| r.device_key)
        .collect();
    assert_eq!(still, [5], "it has yet to fill its slot");
    story.report(1, Report::Succeeded, 50).await;
    assert_eq!(story.census().await.count(DeviceStatus::Succeeded), 1);
}

#[tokio::test]
async fn a_failed_closure_harms_no_neighbour_and_the_rest_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1).unwrap();
    let add = |name: &'static str, fails: bool| {
        store.write(move |tx: &Tx<'_>| {
            let device = NewDevice {
                device_id: name.into(),
                ..NewDevice::default()
            };
            devices::insert(tx, &device, at(0))?;
            if fails {
                Err(StoreError::Closed)
            } else {
                Ok(())
            }
        })
    };
    let (a, b, c) = tokio::join!(add("a", false), add("b", true), add("c", false));
    assert!(a.is_ok() && b.is_err() && c.is_ok());
    let broken = store
        .write(|_: &Tx<'_>| -> Result<(), StoreError> { panic!("on purpose") })
        .await;
    assert!(matches!(broken, Err(StoreError::Panicked)));
    assert!(matches!(
        Store::open(folder.path(), 1),
        Err(StoreError::InUse { .. })
    ));
    drop(store);
    let store = Store::open(folder.path(), 1).unwrap();
    let rows = store.read(|tx| roster_after(tx, 0, 10)).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.device_id.as_str()).collect();
    assert_eq!(ids, ["a", "c"]);
}
