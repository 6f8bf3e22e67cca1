//! One execution, one input, one transaction: state, decisions, audit, outbox and effects together.

use std::collections::BTreeSet;

use fleetward_core::Timestamp;
use fleetward_core::engine::{Decision, Input, Refusal, Rollout};
use fleetward_store::actions::{RosterRow, roster_of};
use fleetward_store::effects::{Target, carry_out};
use fleetward_store::executions::{self, Execution};
use fleetward_store::{StoreError, Tx, assignments, audit, outbox, tallies};

/// Most transitions in one transaction; what is left is done in the next.
const STEPS: usize = 100;

/// What one drive did.
#[derive(Debug, Default)]
pub struct Driven {
    /// When the execution wants to be looked at again.
    pub wake_at: Option<Timestamp>,
    /// The devices whose open attempt changed, as they are now.
    pub roster: Vec<RosterRow>,
    /// Something was put into the outbox.
    pub told: bool,
}

/// Why an execution was not driven.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The engine refused a command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Most parts of waves that one drive writes out, so that reports don't wait long behind it.
const PARTS: u32 = 2;

/// Starts an execution whose first wave is written out.
///
/// # Errors
/// The database fails; nothing is kept then.
pub fn start(tx: &Tx<'_>, execution_key: i64, now: Timestamp) -> Result<Driven, DriveError> {
    steps(tx, execution_key, Input::Tick, now)
}

/// Feeds `input` to an execution, and then time until nothing more is due. Waves that are kept as lists
/// are written out first; a tick does so little by little.
///
/// # Errors
/// The engine refuses the input, or the database fails; nothing is kept then.
pub fn drive(
    tx: &Tx<'_>,
    execution_key: i64,
    input: Input,
    now: Timestamp,
) -> Result<Driven, DriveError> {
    let parts = if input == Input::Tick {
        PARTS
    } else {
        u32::MAX
    };
    if assignments::write_out(tx, Some(execution_key), parts)? {
        return Ok(Driven {
            wake_at: Some(now),
            ..Driven::default()
        });
    }
    steps(tx, execution_key, input, now)
}

fn steps(
    tx: &Tx<'_>,
    execution_key: i64,
    input: Input,
    now: Timestamp,
) -> Result<Driven, DriveError> {
    let Some(execution) = executions::by_key(tx, execution_key)? else {
        return Ok(Driven::default());
    };
    let mut rollout = execution.rollout.clone();
    let mut changed_devices = BTreeSet::new();
    let mut driven = Driven::default();
    let mut next = Some(input);
    let mut dirty = false;
    for step_number in 0..=STEPS {
        let census = tallies::census(tx, execution_key, rollout.waves.len())?;
        driven.wake_at = rollout.next_wakeup(&census).map(|(at, _)| at);
        if step_number == STEPS {
            driven.wake_at = Some(now);
            break;
        }
        let given = next.take();
        let step = rollout.handle(given.clone().unwrap_or(Input::Tick), &census, now)?;
        if step.is_empty() && given.is_none_or(|input| input == Input::Tick) {
            break;
        }
        dirty |= step.changed;
        let target = Target {
            execution_key,
            firmware_key: execution.firmware_key,
        };
        for effect in step.effects {
            changed_devices.extend(carry_out(tx, target, effect, &rollout.order, now)?);
        }
        for decision in &step.decisions {
            record(tx, &execution, &rollout, decision, now)?;
            driven.told = true;
        }
    }
    if dirty {
        executions::save(tx, execution_key, &rollout, now)?;
    }
    let changed: Vec<i64> = changed_devices.into_iter().collect();
    if !changed.is_empty() {
        driven.roster = roster_of(tx, &changed)?;
    }
    Ok(driven)
}

/// Keeps a decision for people, for the audit and for the outside.
fn record(
    tx: &Tx<'_>,
    execution: &Execution,
    rollout: &Rollout,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), StoreError> {
    let number = executions::decide(tx, execution.execution_key, decision, now)?;
    let entry = audit::Entry {
        actor: "engine",
        source: "driver",
        action: &format!("execution.{}", decision.name()),
        object: &execution.execution_id,
    };
    audit::write(tx, &entry, decision, now)?;
    let body = serde_json::json!({
        "execution_id": execution.execution_id,
        "number": number,
        "at": now,
        "decision": decision.name(),
        "summary": decision.to_string(),
        "status": rollout.phase.name(),
        "details": decision,
    });
    outbox::put(
        tx,
        execution.execution_key,
        "execution.decision",
        &body,
        now,
    )
}
