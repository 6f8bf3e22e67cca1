//! The rows that are watched, as they were after a change.

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, AttemptKind, Class, DeviceStatus, FailureKind};

use crate::actions::{kind, state};
use crate::{Row, StoreError, tallies};

/// One change of a row: what it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its table")]
pub enum Change {
    Execution(ExecutionRow),
    Assignment(AssignmentRow),
    Action(ActionRow),
    Decision(DecisionRow),
    Audit(AuditRow),
    Outbox(OutboxRow),
    Tally(TallyRow),
    Kept(KeptRow),
    Freeze(FreezeRow),
    Domain(DomainRow),
    Device(DeviceRow),
    Message(MessageRow),
    Lease(LeaseRow),
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct ExecutionRow {
    pub execution_key: i64,
    pub plan_key: i64,
    pub firmware_key: i64,
    pub devices: u64,
    pub offers: u64,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub revision: u32,
    pub environment: String,
    pub phase: String,
    pub state: String,
    pub execution_id: String,
}

/// A device in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct AssignmentRow {
    pub device_key: i64,
    pub execution_key: i64,
    pub wave: u32,
    pub failures: u32,
    pub action_id: Option<u32>,
    pub deadline: Option<Timestamp>,
    pub retry_at: Option<Timestamp>,
    pub stones_left: u32,
    pub status: DeviceStatus,
    pub class: Class,
    pub failure: Option<FailureKind>,
    pub domain: Option<String>,
    pub zone: Option<String>,
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct ActionRow {
    pub action_id: u32,
    pub execution_key: i64,
    pub device_key: i64,
    pub staging: bool,
    pub firmware_key: i64,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub kind: AttemptKind,
    pub state: ActionState,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct DecisionRow {
    pub execution_key: i64,
    pub number: u64,
    pub at: Timestamp,
    pub name: String,
    pub body: String,
}

/// An audit entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct AuditRow {
    pub number: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub object: String,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct OutboxRow {
    pub number: i64,
    pub at: Timestamp,
    pub execution_key: i64,
    pub delivered_at: Option<Timestamp>,
    pub kind: String,
}

/// A count of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct TallyRow {
    pub execution_key: i64,
    pub wave: u32,
    pub devices: i64,
    pub status: DeviceStatus,
    pub class: Class,
    pub failure: Option<FailureKind>,
}

/// A part of a wave that is kept as a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct KeptRow {
    pub gone: bool,
    pub execution_key: i64,
    pub part: i64,
    pub wave: u32,
    pub devices: Vec<i64>,
}

/// A freeze.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct FreezeRow {
    pub freeze_key: i64,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    pub lifted_at: Option<Timestamp>,
    pub environment: Option<String>,
}

/// A place of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct DomainRow {
    pub execution_key: i64,
    pub devices: i64,
    pub busy: i64,
    pub domain: String,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct DeviceRow {
    pub device_key: i64,
    pub can_stage: bool,
    pub quarantined: bool,
    pub wants_attributes: bool,
    pub device_id: String,
    pub environment: String,
    pub version: String,
}

/// What a device said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct MessageRow {
    pub action_id: u32,
    pub at: Timestamp,
    pub report: String,
    pub detail: String,
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns")]
pub struct LeaseRow {
    pub execution_key: i64,
    pub epoch: i64,
    pub until: Timestamp,
    pub holder: String,
}

/// The first column of numbers and that of texts in a line of the journal.
const NUMBERS: usize = 3;
const TEXTS: usize = 11;

/// A line of the journal.
pub(super) fn read(what: i64, gone: bool, row: &Row<'_>) -> Result<Change, StoreError> {
    let int = |n| row.int(NUMBERS + n);
    let small = |n| row.small(NUMBERS + n);
    let text = |n| row.text(TEXTS + n);
    Ok(match what {
        1 => Change::Execution(execution(row)?),
        2 => Change::Assignment(assignment(row)?),
        3 => Change::Action(action(row)?),
        4 => Change::Decision(DecisionRow {
            execution_key: int(0)?,
            number: row.count(NUMBERS + 1)?,
            at: row.time(NUMBERS + 2)?,
            name: text(0)?,
            body: text(1)?,
        }),
        5 => Change::Audit(AuditRow {
            number: int(0)?,
            at: row.time(NUMBERS + 1)?,
            actor: text(0)?,
            action: text(1)?,
            object: text(2)?,
        }),
        6 => Change::Outbox(OutboxRow {
            number: int(0)?,
            at: row.time(NUMBERS + 1)?,
            execution_key: int(2)?,
            delivered_at: row.time_opt(NUMBERS + 3)?,
            kind: text(0)?,
        }),
        7 => Change::Tally(TallyRow {
            execution_key: int(0)?,
            wave: small(1)?,
            devices: int(2)?,
            status: row.word(TEXTS)?,
            class: row.word(TEXTS + 1)?,
            failure: tallies::failure(row.str(TEXTS + 2)?)?,
        }),
        8 => Change::Kept(KeptRow {
            gone,
            execution_key: int(0)?,
            part: int(1)?,
            wave: small(2)?,
            devices: row.json(TEXTS)?,
        }),
        9 => Change::Freeze(FreezeRow {
            freeze_key: int(0)?,
            from: row.time(NUMBERS + 1)?,
            until: row.time_opt(NUMBERS + 2)?,
            lifted_at: row.time_opt(NUMBERS + 3)?,
            environment: row.text_opt(TEXTS)?,
        }),
        10 => Change::Domain(DomainRow {
            execution_key: int(0)?,
            devices: int(1)?,
            busy: int(2)?,
            domain: text(0)?,
        }),
        11 => Change::Device(DeviceRow {
            device_key: int(0)?,
            can_stage: row.truth(NUMBERS + 1)?,
            quarantined: row.truth(NUMBERS + 2)?,
            wants_attributes: row.truth(NUMBERS + 3)?,
            device_id: text(0)?,
            environment: text(1)?,
            version: text(2)?,
        }),
        12 => Change::Message(MessageRow {
            action_id: small(0)?,
            at: row.time(NUMBERS + 1)?,
            report: text(0)?,
            detail: text(1)?,
        }),
        13 => Change::Lease(lease(row)?),
        other => return Err(StoreError::damaged(other)),
    })
}

fn lease(row: &Row<'_>) -> Result<LeaseRow, StoreError> {
    Ok(LeaseRow {
        execution_key: row.int(NUMBERS)?,
        epoch: row.int(NUMBERS + 1)?,
        until: row.time(NUMBERS + 2)?,
        holder: row.text(TEXTS)?,
    })
}

fn execution(row: &Row<'_>) -> Result<ExecutionRow, StoreError> {
    Ok(ExecutionRow {
        execution_key: row.int(NUMBERS)?,
        plan_key: row.int(NUMBERS + 1)?,
        firmware_key: row.int(NUMBERS + 2)?,
        devices: row.count(NUMBERS + 3)?,
        offers: row.count(NUMBERS + 4)?,
        created_at: row.time(NUMBERS + 5)?,
        finished_at: row.time_opt(NUMBERS + 6)?,
        revision: row.small(NUMBERS + 7)?,
        environment: row.text(TEXTS)?,
        phase: row.text(TEXTS + 1)?,
        state: row.text(TEXTS + 2)?,
        execution_id: row.text(TEXTS + 3)?,
    })
}

fn assignment(row: &Row<'_>) -> Result<AssignmentRow, StoreError> {
    let action_id = row.int_opt(NUMBERS + 4)?.map(u32::try_from);
    Ok(AssignmentRow {
        device_key: row.int(NUMBERS)?,
        execution_key: row.int(NUMBERS + 1)?,
        wave: row.small(NUMBERS + 2)?,
        failures: row.small(NUMBERS + 3)?,
        action_id: action_id.transpose().map_err(StoreError::damaged)?,
        deadline: row.time_opt(NUMBERS + 5)?,
        retry_at: row.time_opt(NUMBERS + 6)?,
        stones_left: row.small(NUMBERS + 7)?,
        status: row.word(TEXTS)?,
        class: row.word(TEXTS + 1)?,
        failure: tallies::failure(row.str(TEXTS + 2)?)?,
        domain: row.text_opt(TEXTS + 3)?,
        zone: row.text_opt(TEXTS + 4)?,
    })
}

fn action(row: &Row<'_>) -> Result<ActionRow, StoreError> {
    Ok(ActionRow {
        action_id: row.small(NUMBERS)?,
        execution_key: row.int(NUMBERS + 1)?,
        device_key: row.int(NUMBERS + 2)?,
        staging: row.truth(NUMBERS + 3)?,
        firmware_key: row.int(NUMBERS + 4)?,
        opened_at: row.time(NUMBERS + 5)?,
        closed_at: row.time_opt(NUMBERS + 6)?,
        kind: kind(&row.text(TEXTS)?)?,
        state: state(&row.text(TEXTS + 1)?)?,
    })
}
