//! Device reports: a whole group of them in one transaction. What a report changes is decided by
//! `fleetward_core::device`; here it is read, written and counted in a handful of statements.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, AttemptKind, Change, DeviceStatus, Report, Standing};
use fleetward_core::ids::ActionId;
use serde::Serialize;

use crate::actions::{kind, state, state_name};
use crate::dialect;
use crate::effects::quarantine;
use crate::params::params;
use crate::tallies::Moves;
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
    },
}

/// A device in an execution, while a group of reports is applied to it.
struct Place {
    execution_key: i64,
    wave: u32,
    status: DeviceStatus,
    late: bool,
    touched: bool,
    failure: Option<&'static str>,
    deadline: Deadline,
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
    execution_key: i64,
    device_timeout: i64,
    offered: String,
    previous: String,
    touched: bool,
}

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
    let applied: Vec<_> = reports.iter().map(|report| group.apply(report)).collect();
    group.write(tx, now)?;
    remember(tx, reports, &applied, now)?;
    Ok(applied)
}

#[derive(Default)]
struct Group {
    actions: BTreeMap<(i64, ActionId), Action>,
    places: BTreeMap<(i64, i64), Place>,
    moves: Moves,
    versions: BTreeMap<i64, String>,
    cannot_stage: Vec<i64>,
    quarantined: Vec<i64>,
    released: Vec<i64>,
}

static LOAD: LazyLock<String> = LazyLock::new(|| {
    let named = dialect::rows("$1", &["device", "action"]);
    format!(
        "SELECT a.device_key, a.action_id, a.kind, a.state, a.staging, a.execution_key,
            e.state ->> '$.order.device_timeout', f.version, s.previous_version,
            s.wave, s.status, s.late
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
                device_timeout: row.int(6)?,
                offered: row.text(7)?,
                previous: row.text(8)?,
                touched: false,
            };
            let place = Place {
                execution_key,
                wave: row.small(9)?,
                status: row.word(10)?,
                late: row.truth(11)?,
                touched: false,
                failure: None,
                deadline: Deadline::Keep,
            };
            group
                .actions
                .insert((device, ActionId(row.small(1)?)), action);
            group.places.entry((device, execution_key)).or_insert(place);
            Ok(())
        })?;
        Ok(group)
    }

    fn apply(&mut self, report: &DeviceReport) -> Applied {
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
            status: place.status,
            attempt: action.kind,
            action: action.state,
            staging: action.staging,
        };
        let change = standing.apply(report.report);
        action.touched |= action.state != change.action;
        action.state = change.action;
        let slot = |status| (place.execution_key, place.wave, status, place.late);
        self.moves.one(slot(place.status), slot(change.status));
        let moved = place.status != change.status;
        place.record(&change, &standing);
        if change.hold_back {
            self.cannot_stage.push(report.device_key);
        }
        let back = change.took && action.kind == AttemptKind::Rollback;
        if back {
            self.released.push(report.device_key);
        }
        if change.status == DeviceStatus::RollbackFailed && moved {
            self.quarantined.push(report.device_key);
        }
        // A repeat of what is known, or of what was undone since, says nothing of the present.
        let news = change.took || (change.late && change.status == DeviceStatus::Failed);
        let runs_offered = report.report == Report::Succeeded && !action.staging && news;
        if runs_offered {
            let version = if back {
                &action.previous
            } else {
                &action.offered
            };
            self.versions.insert(report.device_key, version.clone());
        }
        Applied::Changed {
            execution_key: place.execution_key,
            change,
            moved,
        }
    }
}

impl Place {
    fn record(&mut self, change: &Change, before: &Standing) {
        let fetched = self.status == DeviceStatus::Released && change.status.in_flight();
        let filled = change.status == DeviceStatus::Verifying && before.staging;
        self.touched |= self.status != change.status;
        self.status = change.status;
        if change.status.is_final() || filled || change.hold_back {
            self.deadline = Deadline::Clear;
        } else if fetched {
            self.deadline = Deadline::Restart;
        }
        if let Some(failure) = change.failure {
            self.failure = Some(failure.name());
        }
    }
}

static PLACES: LazyLock<String> = LazyLock::new(|| {
    let columns = [
        "device",
        "execution",
        "status",
        "failure",
        "keep",
        "deadline",
    ];
    let rows = dialect::rows("$1", &columns);
    format!(
        "UPDATE assignments SET status = new.status, failure = COALESCE(new.failure, assignments.failure),
            deadline = CASE WHEN new.keep THEN assignments.deadline ELSE new.deadline END,
            updated_at = $2
         FROM {rows} AS new
         WHERE device_key = new.device AND execution_key = new.execution"
    )
});

static ACTIONS: LazyLock<String> = LazyLock::new(|| {
    let rows = dialect::rows("$1", &["action", "state", "closed"]);
    format!(
        "UPDATE actions SET state = new.state,
            closed_at = CASE WHEN new.closed THEN COALESCE(actions.closed_at, $2) ELSE actions.closed_at END
         FROM {rows} AS new WHERE action_id = new.action"
    )
});

static VERSIONS: LazyLock<String> = LazyLock::new(|| {
    let rows = dialect::rows("$1", &["device", "version"]);
    format!(
        "UPDATE devices SET version = new.version, wants_attributes = 1 FROM {rows} AS new
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
                version: String,
            }
            let line = |(device, version)| Line { device, version };
            bulk(tx, &VERSIONS, self.versions.into_iter().map(line), &[])?;
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
            keep: i64,
            deadline: Option<i64>,
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
            status: place.status.name(),
            failure: place.failure,
            keep: i64::from(place.deadline == Deadline::Keep),
            deadline: (place.deadline == Deadline::Restart).then(|| restart(execution)),
        });
        bulk(tx, &PLACES, lines, params![now])
    }

    fn write_actions(&self, tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Line {
            action: u32,
            state: &'static str,
            closed: i64,
        }
        let touched = self.actions.iter().filter(|(_, action)| action.touched);
        let lines = touched.map(|((_, id), action)| Line {
            action: id.0,
            state: state_name(action.state),
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
