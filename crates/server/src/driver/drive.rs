//! One execution, one input, one transaction: state, decisions, audit, outbox and effects together.

use std::collections::BTreeSet;

use fleetward_core::Timestamp;
use fleetward_core::engine::{Decision, Effect, Hold, Input, Outcome, Phase, Refusal, Rollout};
use fleetward_core::plan::Plan;
use fleetward_core::seconds::Seconds;
use fleetward_store::actions::{RosterRow, roster_of};
use fleetward_store::effects::{Target, carry_out, supersede_chosen};
use fleetward_store::executions::{self, Execution};
use fleetward_store::{
    StoreError, Tx, assignments, audit, firmware, outbox, plans, spread, tallies,
};

use super::around::around;
use super::choose::{Chosen, choose};
use crate::config::Config;

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
    /// Other executions that may go on now.
    pub wake: Vec<i64>,
    /// Something was stored.
    pub changed: bool,
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

/// When to look again at what others risk: single devices of theirs that fail, or come late, are no
/// decision that would tell.
const LOOK_AGAIN: Seconds = Seconds(60);

/// Most parts of waves that one drive writes out, so that reports don't wait long behind it.
const PARTS: u32 = 2;

/// Starts an execution: chooses its devices and goes on, where nothing holds it.
///
/// # Errors
/// The database fails; nothing is kept then.
pub fn start(
    tx: &Tx<'_>,
    config: &Config,
    execution_key: i64,
    now: Timestamp,
) -> Result<Driven, DriveError> {
    steps(tx, config, execution_key, Input::Tick, now)
}

/// Feeds `input` to an execution, and then time until nothing more is due. Waves that are kept as lists
/// are written out first; a tick does so little by little.
///
/// # Errors
/// The engine refuses the input, or the database fails; nothing is kept then.
pub fn drive(
    tx: &Tx<'_>,
    config: &Config,
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
            changed: true,
            ..Driven::default()
        });
    }
    steps(tx, config, execution_key, input, now)
}

/// An execution while it is driven.
struct Drive<'a> {
    tx: &'a Tx<'a>,
    config: &'a Config,
    execution: Execution,
    rollout: Rollout,
    now: Timestamp,
    changed_devices: BTreeSet<i64>,
    dirty: bool,
    chosen: Option<(Plan, Chosen)>,
    driven: Driven,
}

fn steps(
    tx: &Tx<'_>,
    config: &Config,
    execution_key: i64,
    input: Input,
    now: Timestamp,
) -> Result<Driven, DriveError> {
    let Some(execution) = executions::by_key(tx, execution_key)? else {
        return Ok(Driven::default());
    };
    let mut drive = Drive {
        tx,
        config,
        rollout: execution.rollout.clone(),
        execution,
        now,
        changed_devices: BTreeSet::new(),
        dirty: false,
        chosen: None,
        driven: Driven::default(),
    };
    let mut next = Some(input);
    for _ in 0..STEPS {
        let given = next.take();
        let ticked = given.as_ref().is_none_or(|input| *input == Input::Tick);
        let (step, answer) = drive.step(given.unwrap_or(Input::Tick))?;
        if !step && ticked {
            return drive.end();
        }
        next = answer;
    }
    drive.driven.wake_at = Some(now);
    drive.end()
}

impl Drive<'_> {
    /// One transition; whether there was one, and what is to be put in next.
    fn step(&mut self, input: Input) -> Result<(bool, Option<Input>), DriveError> {
        let (tx, key, now) = (self.tx, self.execution.execution_key, self.now);
        let census = tallies::census(tx, key, self.rollout.waves.len())?;
        let of = (key, self.execution.environment.as_str());
        let around = around(tx, self.config, of, &self.rollout, now)?;
        let step = self.rollout.handle(input, &census, &around, now)?;
        if step.is_empty() {
            let wakeup = self.rollout.next_wakeup(&census, &around, now);
            let risk = self.rollout.hold(&census, &around, now);
            let risk = risk.filter(|hold| matches!(hold, Hold::BlastRadius { .. }));
            let again = risk.map(|_| LOOK_AGAIN.after(now));
            let own = wakeup.map(|(at, _)| at);
            self.driven.wake_at = own.into_iter().chain(again).min();
            return Ok((false, None));
        }
        self.dirty = true;
        self.keep_the_chosen()?;
        let mut answer = None;
        for effect in &step.effects {
            if *effect == Effect::Choose {
                answer = Some(self.choose()?);
            }
            let target = Target {
                execution_key: key,
                firmware_key: self.execution.firmware_key,
            };
            let changed = carry_out(tx, target, effect, &self.rollout.order, now)?;
            self.changed_devices.extend(changed);
        }
        for decision in &step.decisions {
            record(tx, &self.execution, &self.rollout, decision, now)?;
            self.driven.told = true;
            if frees_others(decision) {
                self.driven.wake.extend(executions::due(tx)?);
            }
        }
        Ok((true, answer))
    }

    /// Chooses the devices; they are kept once the engine has accepted them.
    fn choose(&mut self) -> Result<Input, DriveError> {
        let (tx, key) = (self.tx, self.execution.execution_key);
        let missing = || damaged("an execution without its plan or image".to_owned());
        let plan = plans::of_execution(tx, key)?.ok_or_else(missing)?;
        let image = firmware::by_key(tx, self.execution.firmware_key)?.ok_or_else(missing)?;
        // Whoever is kept for another execution is as busy as if it were written out.
        assignments::write_out(tx, None, u32::MAX)?;
        let chosen = choose(tx, &plan, &image)?;
        let (waves, matching) = (chosen.sizes(), chosen.matching());
        self.chosen = Some((plan, chosen));
        Ok(Input::Chosen { waves, matching })
    }

    fn keep_the_chosen(&mut self) -> Result<(), DriveError> {
        let (tx, key) = (self.tx, self.execution.execution_key);
        let Some((plan, chosen)) = self.chosen.take() else {
            return Ok(());
        };
        executions::chosen(tx, key, chosen.sizes().iter().sum(), &chosen.excluded)?;
        if self.rollout.waves.is_empty() {
            return Ok(());
        }
        spread::mind(tx, key, &self.rollout.order)?;
        spread::lay_stones(tx, key, &stones(tx, &plan)?, &chosen.stones)?;
        assignments::choose(tx, key, &chosen.waves, self.now)?;
        let late = supersede_chosen(tx, key, &chosen.waves, self.now)?;
        self.changed_devices.extend(late);
        Ok(())
    }

    fn end(mut self) -> Result<Driven, DriveError> {
        let key = self.execution.execution_key;
        if self.dirty {
            executions::save(self.tx, key, &self.rollout, self.now)?;
            if self.execution.finished_at.is_none() && self.rollout.phase.is_finished() {
                let next = repeat(self.tx, &self.execution, &self.rollout, self.now)?;
                self.driven.wake.extend(next);
            }
        }
        self.driven.changed = self.dirty;
        let changed: Vec<i64> = self.changed_devices.into_iter().collect();
        if !changed.is_empty() {
            self.driven.roster = roster_of(self.tx, &changed)?;
        }
        self.driven.wake.retain(|other| *other != key);
        Ok(self.driven)
    }
}

/// The images of a plan's stepping stones.
fn stones(tx: &Tx<'_>, plan: &Plan) -> Result<Vec<i64>, StoreError> {
    let found = plan.stepping_stones.iter().map(|version| {
        let image = firmware::find(tx, version)?;
        let missing = || damaged(format!("no image of the stepping stone {version}"));
        Ok(image.ok_or_else(missing)?.firmware_key)
    });
    found.collect()
}

const fn damaged(what: String) -> StoreError {
    StoreError::Damaged { what }
}

/// Whether others may go on for it: they waited for this one's place or for its devices to be proven.
const fn frees_others(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::Passed { .. } | Decision::Finished { .. } | Decision::RollbackFinished { .. }
    )
}

/// A plan with a schedule that repeats is executed again when its execution ended well.
fn repeat(
    tx: &Tx<'_>,
    ended: &Execution,
    rollout: &Rollout,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let Phase::Finished {
        outcome: Outcome::Succeeded | Outcome::NoDevices,
        ..
    } = rollout.phase
    else {
        return Ok(None);
    };
    let Some(plan) = plans::of_execution(tx, ended.execution_key)? else {
        return Ok(None);
    };
    let schedule = plan.schedule.as_ref().filter(|schedule| schedule.repeats());
    let Some(starts_at) = schedule.and_then(|schedule| schedule.next_after(now)) else {
        return Ok(None);
    };
    let mut next = Rollout::queued(&plan, Some(starts_at));
    next.may_match = rollout.may_match;
    let execution = Execution {
        execution_id: following(&ended.execution_id),
        rollout: next,
        devices: 0,
        excluded: std::collections::BTreeMap::new(),
        created_at: now,
        created_by: "schedule".to_owned(),
        finished_at: None,
        ..ended.clone()
    };
    let key = executions::insert(tx, &execution)?;
    let entry = audit::Entry {
        actor: "schedule",
        source: "driver",
        action: "execution.repeat",
        object: &execution.execution_id,
    };
    let detail = serde_json::json!({ "after": ended.execution_id, "starts_at": starts_at });
    audit::write(tx, &entry, &detail, now)?;
    Ok(Some(key))
}

/// The id of the execution that follows one by schedule: `exec_…`, `exec_…-2`, `exec_…-3`.
fn following(id: &str) -> String {
    let numbered = id.rsplit_once('-').and_then(|(first, number)| {
        let number: u64 = number.parse().ok()?;
        Some(format!("{first}-{}", number + 1))
    });
    numbered.unwrap_or_else(|| format!("{id}-2"))
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
