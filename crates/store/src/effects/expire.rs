//! Giving up devices whose deadline has passed: all of them in a few statements.

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus, FailureKind};
use fleetward_core::engine::{Order, Slot, UnfetchedFate};

use super::{LOST, counted, recount};
use crate::params::params;
use crate::{StoreError, Tx};

/// A set of devices and what becomes of it.
struct Fate {
    which: String,
    status: DeviceStatus,
    class: Option<Class>,
    failure: Option<FailureKind>,
    retry: Option<Again>,
}

/// Another attempt.
struct Again {
    /// Milliseconds until then, as SQL.
    wait: String,
    /// How the last one failed.
    after: FailureKind,
}

const GOING_BACK: &str = "status = 'rolling_back'";
const ABSENT: &str = "status = 'released'";

pub(super) fn expire(
    tx: &Tx<'_>,
    execution_key: i64,
    unfetched: UnfetchedFate,
    order: &Order,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    quarantine_going_back(tx, execution_key, now)?;
    let mut changed = Vec::new();
    for fate in fates(unfetched, order) {
        changed.extend(meet(tx, execution_key, &fate, now)?);
    }
    if unfetched == UnfetchedFate::KeepWaiting {
        let wait = format!(
            "UPDATE assignments SET deadline = NULL, updated_at = $2
             WHERE execution_key = $1 AND deadline <= $2 AND {ABSENT}"
        );
        tx.execute(&wait, params![execution_key, now])?;
    }
    Ok(changed)
}

fn fates(unfetched: UnfetchedFate, order: &Order) -> Vec<Fate> {
    let mut fates = Vec::new();
    let silent = [
        ("status = 'rebooting'", FailureKind::UpdatedThenSilent),
        (
            "status IN ('downloading', 'installing', 'verifying')",
            FailureKind::TimedOut,
        ),
    ];
    for (which, kind) in silent {
        if let Some(retry) = order.retries.get(&kind) {
            let again = "failures < {times} AND NOT EXISTS (SELECT 1 FROM actions
                WHERE actions.action_id = assignments.action_id AND state = 'cancelling')";
            let again = again.replace("{times}", &retry.times.to_string());
            let wait = i64::from(retry.backoff.0) * 1000;
            fates.push(Fate {
                which: format!("{which} AND {again}"),
                status: DeviceStatus::Pending,
                class: None,
                failure: None,
                retry: Some(Again {
                    wait: format!("MIN({wait} * (1 << MIN(failures, 20)), 604800000)"),
                    after: kind,
                }),
            });
        }
        fates.push(Fate {
            which: which.to_owned(),
            status: DeviceStatus::TimedOut,
            class: None,
            failure: Some(kind),
            retry: None,
        });
    }
    fates.push(Fate {
        which: GOING_BACK.to_owned(),
        status: DeviceStatus::RollbackFailed,
        class: None,
        failure: Some(FailureKind::RollbackTimedOut),
        retry: None,
    });
    let absent = |status, class, failure| Fate {
        which: ABSENT.to_owned(),
        status,
        class,
        failure,
        retry: None,
    };
    match unfetched {
        UnfetchedFate::KeepWaiting => {}
        UnfetchedFate::Late => {
            fates.push(absent(DeviceStatus::Pending, Some(Class::Absent), None));
        }
        UnfetchedFate::Skip => {
            fates.push(Fate {
                which: format!("{ABSENT} AND {LOST}"),
                ..absent(DeviceStatus::TimedOut, None, Some(FailureKind::TimedOut))
            });
            let never_came = Some(FailureKind::NeverContacted);
            fates.push(absent(DeviceStatus::Skipped, None, never_came));
        }
    }
    fates
}

fn quarantine_going_back(
    tx: &Tx<'_>,
    execution_key: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE devices SET quarantined = 1 WHERE device_key IN (
            SELECT device_key FROM assignments
            WHERE execution_key = $1 AND deadline <= $2 AND {GOING_BACK})"
    );
    tx.execute(&sql, params![execution_key, now]).map(drop)
}

/// Ends the attempts of a set and counts its devices anew.
fn meet(
    tx: &Tx<'_>,
    execution_key: i64,
    fate: &Fate,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let set = format!("deadline <= $2 AND {}", fate.which);
    let due = counted(tx, &set, params![execution_key, now])?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    recount(tx, execution_key, due, |slot| Slot {
        status: fate.status,
        class: fate.class.unwrap_or(slot.class),
        failure: fate.failure,
    })?;
    let named = |kind: Option<FailureKind>| {
        kind.map_or("NULL".to_owned(), |kind| format!("'{}'", kind.name()))
    };
    let failure = named(fate.failure);
    let close = format!(
        "UPDATE actions SET state = 'closed', closed_at = $2, failure = {}
         WHERE +state <> 'closed' AND action_id IN (SELECT action_id FROM assignments
            WHERE execution_key = $1 AND {set})
         RETURNING device_key",
        named(
            fate.retry
                .as_ref()
                .map(|again| again.after)
                .or(fate.failure)
        ),
    );
    let changed = tx.query(&close, params![execution_key, now], |row| row.int(0))?;
    let class = fate
        .class
        .map_or("class".to_owned(), |class| format!("'{}'", class.name()));
    // Rounded up to a whole second, as `Seconds::after` does.
    let retry = fate.retry.as_ref().map_or("NULL".to_owned(), |again| {
        format!("($2 + {} + 999) / 1000 * 1000", again.wait)
    });
    let silent = fate.retry.is_some() || fate.status == DeviceStatus::TimedOut;
    let update = format!(
        "UPDATE assignments SET status = '{}', class = {class}, failure = {failure},
            failures = failures + {}, retry_at = {retry}, deadline = NULL, updated_at = $2
         WHERE execution_key = $1 AND {set}",
        fate.status.name(),
        i64::from(silent),
    );
    tx.execute(&update, params![execution_key, now])?;
    Ok(changed)
}
