//! Device reports: a whole group of them in one transaction. What a report changes is decided by
//! `fleetward_core::device`; here it is read, written and counted in a handful of statements.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fleetward_core::Timestamp;
use fleetward_core::device::{
    ActionState, AttemptKind, Change, Class, DeviceStatus, FailureKind, Report, Standing,
};
use fleetward_core::engine::Slot;
use fleetward_core::ids::ActionId;
use fleetward_core::plan::Retry;
use serde::Serialize;

use crate::actions::{kind, state, state_name};
use crate::dialect;
use crate::effects::quarantine;
use crate::params::params;
use crate::tallies::{self, Moves};
use crate::{StoreError, Tx};

/// What a device said.
#[derive(Clone, Debug)]
pub struct DeviceReport {
    /// Which device.
    pub device_key: i64,
    /// Of which attempt.
    pub action: ActionId,
    /// What it means.
    pub report: Report,
    /// The device's own words, as JSON.
    pub detail: String,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The device has no such attempt.
    Unknown,
    /// The attempt is not being cancelled, so an answer to a cancellation makes no sense.
    NotCancelling,
    /// It was applied.
    Changed {
        /// The execution that it counts in.
        execution_key: i64,
        /// What it changed.
        change: Change,
        /// Counts moved.
        moved: bool,
        /// What it runs may be other than what is known: its attributes are wanted.
        asks: bool,
        /// More changed for the device's polls than the attempt that the report names.
        more: bool,
    },
}

/// A device in an execution, while a group of reports is applied to it.
struct Place {
    execution_key: i64,
    wave: u32,
    slot: Slot,
    touched: bool,
    failures: u32,
    deadline: Deadline,
    retry_at: Option<Timestamp>,
    /// It passed a version on its way.
    passed_a_stone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deadline {
    Keep,
    Clear,
    Restart,
}

struct Action {
    kind: AttemptKind,
    state: ActionState,
    staging: bool,
    stone: bool,
    execution_key: i64,
    device_timeout: i64,
    retries: Retries,
    offered: String,
    previous: String,
    failure: Option<FailureKind>,
    touched: bool,
}

type Retries = BTreeMap<FailureKind, Retry>;

/// Applies reports in the order given and keeps each of them as history.
///
/// # Errors
/// The database fails; then nothing is applied.
pub fn apply(
    tx: &Tx<'_>,
    reports: &[DeviceReport],
    now: Timestamp,
) -> Result<Vec<Applied>, StoreError> {
    let mut group = Group::load(tx, reports)?;
    let applied: Vec<_> = reports
        .iter()
        .map(|report| group.apply(report, now))
        .collect();
    group.write(tx, now)?;
    remember(tx, reports, &applied, now)?;
    Ok(applied)
}

#[derive(Default)]
struct Group {
    actions: BTreeMap<(i64, ActionId), Action>,
    places: BTreeMap<(i64, i64), Place>,
    moves: Moves,
    /// Devices that run something else than was known: what, where that is certain.
    versions: BTreeMap<i64, Option<String>>,
    cannot_stage: Vec<i64>,
    /// Devices whose earlier attempt came through after all, in which execution.
    corrected: Vec<(i64, i64)>,
    quarantined: Vec<i64>,
    released: Vec<i64>,
}

static LOAD: LazyLock<String> = LazyLock::new(|| {
    let named = dialect::rows("$1", &["device", "action"]);
    format!(
        "SELECT a.device_key, a.action_id, a.kind, a.state, a.staging, a.execution_key,
            e.state ->> '$.order.device_timeout', f.version, s.previous_version,
            s.wave, s.status, s.class, COALESCE(s.failure, ''), s.failures,
            a.kind = 'deploy' AND a.firmware_key <> e.firmware_key, e.state ->> '$.order.retries'
         FROM {named} AS named
         JOIN actions a ON a.action_id = named.action AND a.device_key = named.device
         JOIN executions e ON e.execution_key = a.execution_key
         JOIN firmware f ON f.firmware_key = a.firmware_key
         JOIN assignments s ON s.device_key = a.device_key AND s.execution_key = a.execution_key"
    )
});

impl Group {
    fn load(tx: &Tx<'_>, reports: &[DeviceReport]) -> Result<Self, StoreError> {
        #[derive(Serialize)]
        struct Named {
            device: i64,
            action: u32,
        }
        let mut group = Self::default();
        let named: Vec<Named> = reports
            .iter()
            .map(|r| Named {
                device: r.device_key,
                action: r.action.0,
            })
            .collect();
        let json = serde_json::to_string(&named).map_err(StoreError::damaged)?;
        tx.query(&LOAD, params![&json], |row| {
            let (device, execution_key) = (row.int(0)?, row.int(5)?);
            let action = Action {
                kind: kind(&row.text(2)?)?,
                state: state(&row.text(3)?)?,
                staging: row.truth(4)?,
                execution_key,
                stone: row.truth(14)?,
                device_timeout: row.int(6)?,
                retries: match row.text_opt(15)? {
                    Some(json) => serde_json::from_str(&json).map_err(StoreError::damaged)?,
                    None => Retries::new(),
                },
                offered: row.text(7)?,
                previous: row.text(8)?,
                failure: None,
                touched: false,
            };
            let place = Place {
                execution_key,
                wave: row.small(9)?,
                slot: Slot {
                    status: row.word::<DeviceStatus>(10)?,
                    class: row.word::<Class>(11)?,
                    failure: tallies::failure(row.str(12)?)?,
                },
                touched: false,
                failures: row.small(13)?,
                deadline: Deadline::Keep,
                retry_at: None,
                passed_a_stone: false,
            };
            group
                .actions
                .insert((device, ActionId(row.small(1)?)), action);
            group.places.entry((device, execution_key)).or_insert(place);
            Ok(())
        })?;
        Ok(group)
    }

    fn apply(&mut self, report: &DeviceReport, now: Timestamp) -> Applied {
        let Some(action) = self.actions.get_mut(&(report.device_key, report.action)) else {
            return Applied::Unknown;
        };
        let key = (report.device_key, action.execution_key);
        let place = self.places.get_mut(&key).expect("loaded with its action");
        let answers = matches!(
            report.report,
            Report::CancelAccepted | Report::CancelRefused
        );
        if answers && action.state == ActionState::Open {
            return Applied::NotCancelling;
        }
        let standing = Standing {
            status: place.slot.status,
            attempt: action.kind,
            action: action.state,
            staging: action.staging,
            stone: action.stone,
        };
        let failed = place.failures + 1;
        let change = standing
            .apply(report.report)
            .or_retry(&standing, &action.retries, failed);
        action.touched |= action.state != change.action;
        action.state = change.action;
        action.failure = action.failure.or(change.failure);
        let before = place.slot;
        place.record(&change, &standing, now);
        let counted = |slot| (place.execution_key, place.wave, slot);
        self.moves.one(counted(before), counted(place.slot));
        let moved = before != place.slot || change.retry_after.is_some() || change.took;
        if change.hold_back {
            self.cannot_stage.push(report.device_key);
        }
        if change.late && change.took {
            self.corrected
                .push((report.device_key, action.execution_key));
        }
        let back = change.took && action.kind == AttemptKind::Rollback;
        if back {
            self.released.push(report.device_key);
        }
        if change.status == DeviceStatus::RollbackFailed && moved {
            self.quarantined.push(report.device_key);
        }
        // What comes late may repeat what is known or was undone since: the device itself is asked then.
        let runs_it = report.report == Report::Succeeded && !action.staging;
        let asks = runs_it && (change.took || change.late);
        let stuck = matches!(
            change.status,
            DeviceStatus::Failed | DeviceStatus::RollbackFailed
        );
        if asks {
            let version = if back {
                &action.previous
            } else {
                &action.offered
            };
            let known = self.versions.entry(report.device_key).or_default();
            if change.took || stuck {
                *known = Some(version.clone());
            }
        }
        Applied::Changed {
            execution_key: place.execution_key,
            change,
            moved,
            asks,
            // An earlier attempt that came through after all ends the one that is offered; one that waits
            // for an offer after its wave polls more often.
            more: (change.late && change.took)
                || before.class.is_straggler()
                    && before.status != change.status
                    && [before.status, change.status].contains(&DeviceStatus::Pending),
        }
    }
}

impl Place {
    fn record(&mut self, change: &Change, before: &Standing, now: Timestamp) {
        let fetched = before.status == DeviceStatus::Released && change.status.in_flight();
        let filled = change.status == DeviceStatus::Verifying && before.staging;
        let waits = change.status == DeviceStatus::Pending;
        self.touched |= before.status != change.status || change.retry_after.is_some();
        self.slot.status = change.status;
        if change.status.is_final() || filled || waits {
            self.deadline = Deadline::Clear;
        } else if fetched {
            self.deadline = Deadline::Restart;
        }
        if change.status != before.status {
            self.retry_at = change.retry_after.map(|wait| wait.after(now));
        }
        if let Some(failure) = change.failure {
            self.failures += 1;
            self.slot.failure = (!waits).then_some(failure);
        } else if change.status != before.status {
            self.slot.failure = None;
        }
        self.passed_a_stone |= change.took && before.stone;
    }
}

static PLACES: LazyLock<String> = LazyLock::new(|| {
    let columns = [
        "device",
        "execution",
        "status",
        "failure",
        "failures",
        "keep",
        "deadline",
        "retry",
        "stones",
    ];
    let rows = dialect::rows("$1", &columns);
    format!(
        "UPDATE assignments SET status = new.status, failure = new.failure,
            failures = new.failures, retry_at = new.retry,
            stones_left = assignments.stones_left - new.stones,
            deadline = CASE WHEN new.keep THEN assignments.deadline ELSE new.deadline END,
            updated_at = $2
         FROM {rows} AS new
         WHERE device_key = new.device AND execution_key = new.execution"
    )
});

static ACTIONS: LazyLock<String> = LazyLock::new(|| {
    let rows = dialect::rows("$1", &["action", "state", "failure", "closed"]);
    format!(
        "UPDATE actions SET state = new.state, failure = COALESCE(new.failure, actions.failure),
            closed_at = CASE WHEN new.closed THEN COALESCE(actions.closed_at, $2) ELSE actions.closed_at END
         FROM {rows} AS new WHERE action_id = new.action"
    )
});

static VERSIONS: LazyLock<String> = LazyLock::new(|| {
    let rows = dialect::rows("$1", &["device", "version"]);
    format!(
        "UPDATE devices SET version = COALESCE(new.version, devices.version), wants_attributes = 1 FROM {rows} AS new
         WHERE device_key = new.device"
    )
});

impl Group {
    fn write(self, tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.write_places(tx, now)?;
        self.write_actions(tx, now)?;
        self.moves.write(tx)?;
        if !self.versions.is_empty() {
            #[derive(Serialize)]
            struct Line {
                device: i64,
                version: Option<String>,
            }
            let line = |(device, version)| Line { device, version };
            bulk(tx, &VERSIONS, self.versions.into_iter().map(line), &[])?;
        }
        for (device, execution) in self.corrected {
            tx.execute(
                "UPDATE actions SET state = 'closed', closed_at = $3
                 WHERE device_key = $1 AND execution_key = $2 AND state <> 'closed'",
                params![device, execution, now],
            )?;
        }
        for device in self.cannot_stage {
            tx.execute(
                "UPDATE devices SET can_stage = 0 WHERE device_key = $1",
                params![device],
            )?;
        }
        for device in self.quarantined {
            quarantine(tx, device)?;
        }
        for device in self.released {
            tx.execute(
                "UPDATE devices SET quarantined = 0 WHERE device_key = $1",
                params![device],
            )?;
        }
        Ok(())
    }

    fn write_places(&self, tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Line {
            device: i64,
            execution: i64,
            status: &'static str,
            failure: Option<&'static str>,
            failures: u32,
            keep: i64,
            deadline: Option<i64>,
            retry: Option<i64>,
            stones: i64,
        }
        let timeout: BTreeMap<i64, i64> = self
            .actions
            .values()
            .map(|a| (a.execution_key, a.device_timeout))
            .collect();
        let restart = |execution| {
            let seconds = u32::try_from(timeout.get(execution).copied().unwrap_or(0));
            let seconds = fleetward_core::seconds::Seconds(seconds.unwrap_or(u32::MAX));
            seconds.after(now).as_millisecond()
        };
        let touched = self.places.iter().filter(|(_, place)| place.touched);
        let lines = touched.map(|((device, execution), place)| Line {
            device: *device,
            execution: *execution,
            status: place.slot.status.name(),
            failure: place.slot.failure.map(FailureKind::name),
            failures: place.failures,
            keep: i64::from(place.deadline == Deadline::Keep),
            deadline: (place.deadline == Deadline::Restart).then(|| restart(execution)),
            retry: place.retry_at.map(Timestamp::as_millisecond),
            stones: i64::from(place.passed_a_stone),
        });
        bulk(tx, &PLACES, lines, params![now])
    }

    fn write_actions(&self, tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Line {
            action: u32,
            state: &'static str,
            failure: Option<&'static str>,
            closed: i64,
        }
        let touched = self.actions.iter().filter(|(_, action)| action.touched);
        let lines = touched.map(|((_, id), action)| Line {
            action: id.0,
            state: state_name(action.state),
            failure: action.failure.map(FailureKind::name),
            closed: i64::from(action.state == ActionState::Closed),
        });
        bulk(tx, &ACTIONS, lines, params![now])
    }
}

/// One statement with all lines as its first parameter; none where there are no lines.
fn bulk<'a>(
    tx: &Tx<'_>,
    sql: &str,
    lines: impl Iterator<Item = impl Serialize>,
    more: &[crate::Param<'a>],
) -> Result<(), StoreError> {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(&lines).map_err(StoreError::damaged)?;
    let mut values = vec![crate::Param::Text(&json)];
    values.extend_from_slice(more);
    tx.execute(sql, &values).map(drop)
}

static REMEMBER: LazyLock<String> = LazyLock::new(|| {
    let rows = dialect::rows("$1", &["action", "report", "detail"]);
    format!(
        "INSERT INTO messages (action_id, at, report, detail)
         SELECT action, $2, report, detail FROM {rows}"
    )
});

fn remember(
    tx: &Tx<'_>,
    reports: &[DeviceReport],
    applied: &[Applied],
    now: Timestamp,
) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct Line<'a> {
        action: u32,
        report: Report,
        detail: &'a str,
    }
    let known = reports
        .iter()
        .zip(applied)
        .filter(|(_, a)| matches!(a, Applied::Changed { .. }));
    let lines = known.map(|(report, _)| Line {
        action: report.action.0,
        report: report.report,
        detail: &report.detail,
    });
    bulk(tx, &REMEMBER, lines, params![now])
}
