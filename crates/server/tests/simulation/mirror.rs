//! What the database holds, followed change by change, so that each change is judged by what was before
//! it. Every row is checked as it comes; what needs a whole transaction is checked at its end.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, AttemptKind, Class, DeviceStatus};
use fleetward_core::engine::{Outcome, Phase, Rollout, Slot};
use fleetward_store::inspect::{
    ActionRow, AssignmentRow, Change, DecisionRow, DeviceRow, DomainRow, ExecutionRow, FreezeRow,
    KeptRow, LeaseRow, OutboxRow, TallyRow,
};

use crate::checks::{self, decisions::Course};
use crate::violation::{Checked, Violation, broken, hold, promise};

/// Devices by wave and slot.
pub(crate) type Counts = BTreeMap<(u32, Slot), i64>;

/// An execution as it is known.
pub(crate) struct Seen {
    pub(crate) row: ExecutionRow,
    pub(crate) rollout: Rollout,
    pub(crate) course: Course,
    /// It has begun.
    pub(crate) started: bool,
    pub(crate) outcome: Option<Outcome>,
    /// Its devices, counted here.
    pub(crate) counts: Counts,
    /// Its devices, as the database counts them.
    pub(crate) tallies: Counts,
    pub(crate) domains: BTreeMap<String, DomainRow>,
    /// How often it offered the update.
    pub(crate) offers: u64,
    /// When it did, for the last while.
    pub(crate) offered: VecDeque<Timestamp>,
    /// The largest rate that was allowed.
    pub(crate) rate: u64,
}

/// A device in an execution, and what happened to it there.
pub(crate) struct Member {
    pub(crate) row: AssignmentRow,
    /// Versions on its way when it was chosen.
    pub(crate) stones: u32,
    /// Attempts that it came to fetch.
    pub(crate) fetched: u32,
    /// It was told to go back.
    pub(crate) recalled: bool,
    /// It was not there when the others were chosen.
    pub(crate) joined: bool,
}

/// What the database holds.
#[derive(Default)]
pub(crate) struct Mirror {
    pub(crate) executions: BTreeMap<i64, Seen>,
    pub(crate) members: BTreeMap<(i64, i64), Member>,
    pub(crate) actions: BTreeMap<u32, ActionRow>,
    pub(crate) open: BTreeMap<i64, BTreeSet<u32>>,
    pub(crate) kept: BTreeMap<(i64, i64), KeptRow>,
    pub(crate) freezes: BTreeMap<i64, FreezeRow>,
    pub(crate) devices: BTreeMap<i64, DeviceRow>,
    pub(crate) leases: BTreeMap<i64, LeaseRow>,
    pub(crate) outbox: BTreeMap<i64, OutboxRow>,
    /// What devices said, each under its own number.
    pub(crate) messages: HashSet<String>,
    audits: i64,
}

/// What one transaction did, beside the rows themselves.
#[derive(Default)]
pub(crate) struct Done {
    /// Devices whose rows, attempts or places changed.
    pub(crate) devices: BTreeSet<i64>,
    /// Executions that something of changed.
    pub(crate) executions: BTreeSet<i64>,
    /// Executions that were made.
    pub(crate) made: Vec<i64>,
    /// New offers.
    pub(crate) offers: Vec<ActionRow>,
    /// Devices that filled their slot and may switch now.
    pub(crate) switches: Vec<ActionRow>,
    /// Devices that were told to go back.
    pub(crate) recalls: Vec<ActionRow>,
    pub(crate) decisions: Vec<DecisionRow>,
    /// Audit entries of people: actor, action, object.
    pub(crate) audits: Vec<(String, String, String)>,
    /// The counts of executions that were decided about, after each of their changes.
    pub(crate) history: BTreeMap<i64, Vec<Counts>>,
    /// Rollouts of executions that changed, as they were before.
    pub(crate) before: BTreeMap<i64, Rollout>,
    /// A decision that waits for its audit entry, or after that for its line in the outbox.
    audit_of: Option<DecisionRow>,
    outbox_of: Option<DecisionRow>,
}

impl Mirror {
    /// Follows one transaction.
    pub(crate) fn follow(&mut self, changes: Vec<Change>) -> Checked<Done> {
        let mut done = Done::default();
        for change in &changes {
            if let Change::Decision(row) = change {
                let counts = self
                    .executions
                    .get(&row.execution_key)
                    .map(|seen| seen.counts.clone());
                done.history
                    .insert(row.execution_key, counts.into_iter().collect());
            }
        }
        for change in changes {
            self.note(change, &mut done)?;
        }
        let missing = |row: &Option<DecisionRow>| row.as_ref().map(|row| row.name.clone());
        if let Some(name) = missing(&done.audit_of) {
            return broken(promise::AUDIT, format!("no entry of the decision `{name}`"));
        }
        if let Some(name) = missing(&done.outbox_of) {
            return broken(
                promise::OUTBOX,
                format!("the decision `{name}` is not told"),
            );
        }
        Ok(done)
    }

    fn note(&mut self, change: Change, done: &mut Done) -> Checked {
        match change {
            Change::Execution(row) => self.execution(row, done),
            Change::Assignment(row) => self.assignment(row, done),
            Change::Action(row) => self.action(row, done),
            Change::Decision(row) => self.decision(row, done),
            Change::Audit(row) => {
                let next = self.audits + 1;
                hold(row.number == next, promise::AUDIT, || {
                    format!("{row:?} is not number {next}")
                })?;
                self.audits = row.number;
                let Some(decision) = done.audit_of.take() else {
                    done.audits.push((row.actor, row.action, row.object));
                    return Ok(());
                };
                let object = self
                    .executions
                    .get(&decision.execution_key)
                    .map(|seen| &seen.row.execution_id);
                let fits = row.action == format!("execution.{}", decision.name)
                    && row.at == decision.at
                    && object == Some(&row.object);
                hold(fits, promise::AUDIT, || {
                    format!("{row:?} is not that of {decision:?}")
                })?;
                done.outbox_of = Some(decision);
                Ok(())
            }
            Change::Outbox(row) => {
                if let Some(known) = self.outbox.get(&row.number) {
                    let fits =
                        known.at == row.at && (known.delivered_at.is_none() || known == &row);
                    hold(fits, promise::OUTBOX, || {
                        format!("{known:?} became {row:?}")
                    })?;
                } else {
                    let decision = done.outbox_of.take();
                    let fits = decision.as_ref().is_some_and(|decision| {
                        decision.at == row.at && decision.execution_key == row.execution_key
                    });
                    hold(fits, promise::OUTBOX, || {
                        format!("{row:?} is not that of {decision:?}")
                    })?;
                }
                self.outbox.insert(row.number, row);
                Ok(())
            }
            Change::Tally(row) => self.tally(&row, done),
            Change::Kept(row) => {
                self.kept_wave(row, done);
                Ok(())
            }
            Change::Freeze(row) => {
                self.freezes.insert(row.freeze_key, row);
                Ok(())
            }
            Change::Domain(row) => {
                done.executions.insert(row.execution_key);
                if let Some(seen) = self.executions.get_mut(&row.execution_key) {
                    seen.domains.insert(row.domain.clone(), row);
                }
                Ok(())
            }
            Change::Device(row) => {
                done.devices.insert(row.device_key);
                self.devices.insert(row.device_key, row);
                Ok(())
            }
            Change::Message(row) => {
                self.messages.insert(row.detail);
                Ok(())
            }
            Change::Lease(row) => {
                self.leases.insert(row.execution_key, row);
                Ok(())
            }
        }
    }

    fn execution(&mut self, row: ExecutionRow, done: &mut Done) -> Checked {
        let key = row.execution_key;
        done.executions.insert(key);
        let rollout: Rollout = serde_json::from_str(&row.state).map_err(|error| Violation {
            promise: promise::SOUND,
            detail: format!("the state of execution {key} can't be read: {error}"),
        })?;
        let Some(seen) = self.executions.get_mut(&key) else {
            done.made.push(key);
            let seen = Seen {
                row,
                rollout,
                course: Course::Waiting,
                started: false,
                outcome: None,
                counts: Counts::new(),
                tallies: Counts::new(),
                domains: BTreeMap::new(),
                offers: 0,
                offered: VecDeque::new(),
                rate: 0,
            };
            self.executions.insert(key, seen);
            return Ok(());
        };
        if let Phase::Finished { outcome, .. } = rollout.phase {
            let before = *seen.outcome.get_or_insert(outcome);
            hold(before == outcome, promise::ENDS, || {
                format!("execution {key} ended as {before:?}, and now as {outcome:?}")
            })?;
        }
        let reopened = seen.outcome.is_some() && !rollout.phase.is_finished();
        hold(!reopened, promise::ENDS, || {
            format!("execution {key} was over and is {}", row.phase)
        })?;
        let fixed = seen.row.finished_at.is_none() || seen.row.finished_at == row.finished_at;
        hold(fixed, promise::ENDS, || {
            format!("execution {key} ends at another time: {row:?}")
        })?;
        hold(row.offers >= seen.row.offers, promise::COUNTS, || {
            "offers became fewer".to_owned()
        })?;
        done.before
            .entry(key)
            .or_insert_with(|| seen.rollout.clone());
        seen.row = row;
        seen.rollout = rollout;
        Ok(())
    }

    fn assignment(&mut self, row: AssignmentRow, done: &mut Done) -> Checked {
        let key = (row.execution_key, row.device_key);
        done.devices.insert(row.device_key);
        done.executions.insert(row.execution_key);
        let Some(seen) = self.executions.get_mut(&row.execution_key) else {
            return broken(promise::SOUND, format!("{row:?} belongs to no execution"));
        };
        let slot = Slot {
            status: row.status,
            class: row.class,
            failure: row.failure,
        };
        *seen.counts.entry((row.wave, slot)).or_default() += 1;
        match self.members.get_mut(&key) {
            None => {
                let member = Member {
                    stones: row.stones_left,
                    fetched: 0,
                    recalled: false,
                    joined: row.class == Class::Joined,
                    row,
                };
                self.members.insert(key, member);
            }
            Some(member) => {
                let before = Slot {
                    status: member.row.status,
                    class: member.row.class,
                    failure: member.row.failure,
                };
                *seen.counts.entry((member.row.wave, before)).or_default() -= 1;
                checks::ends::check_status(&member.row, &row)?;
                let was_offered = member.row.status == DeviceStatus::Released;
                let fetched = was_offered && (row.status.in_flight() || says_its_end(row.status));
                member.fetched += u32::from(fetched);
                member.row = row;
            }
        }
        if let Some(history) = done.history.get_mut(&key.0) {
            history.push(seen.counts.clone());
        }
        Ok(())
    }

    fn action(&mut self, row: ActionRow, done: &mut Done) -> Checked {
        done.devices.insert(row.device_key);
        done.executions.insert(row.execution_key);
        let Some(seen) = self.executions.get_mut(&row.execution_key) else {
            return broken(promise::SOUND, format!("{row:?} belongs to no execution"));
        };
        let open = self.open.entry(row.device_key).or_default();
        if row.state == ActionState::Closed {
            open.remove(&row.action_id);
        } else {
            open.insert(row.action_id);
        }
        match self.actions.get(&row.action_id) {
            None => {
                let class = self
                    .members
                    .get(&(row.execution_key, row.device_key))
                    .map(|m| m.row.class);
                match row.kind {
                    AttemptKind::Deploy => {
                        checks::offers::check_course(seen, &row, class.unwrap_or(Class::OnTime))?;
                        seen.offers += 1;
                        seen.offered.push_back(row.opened_at);
                        done.offers.push(row.clone());
                    }
                    AttemptKind::Rollback => {
                        if let Some(member) =
                            self.members.get_mut(&(row.execution_key, row.device_key))
                        {
                            member.recalled = true;
                        }
                        done.recalls.push(row.clone());
                    }
                }
            }
            Some(before) => {
                let reopened =
                    before.state == ActionState::Closed && row.state != ActionState::Closed;
                hold(!reopened, promise::ENDS, || {
                    format!("{before:?} was opened again: {row:?}")
                })?;
                if before.staging && !row.staging && row.state != ActionState::Closed {
                    checks::offers::check_course(seen, &row, Class::OnTime)?;
                    done.switches.push(row.clone());
                }
            }
        }
        self.actions.insert(row.action_id, row);
        Ok(())
    }

    fn decision(&mut self, row: DecisionRow, done: &mut Done) -> Checked {
        if let Some(before) = &done.audit_of {
            return broken(
                promise::AUDIT,
                format!("no entry of the decision `{}`", before.name),
            );
        }
        if let Some(before) = &done.outbox_of {
            return broken(
                promise::OUTBOX,
                format!("the decision `{}` is not told", before.name),
            );
        }
        let Some(seen) = self.executions.get_mut(&row.execution_key) else {
            return broken(promise::SOUND, format!("{row:?} belongs to no execution"));
        };
        checks::decisions::follow(seen, &row)?;
        done.executions.insert(row.execution_key);
        done.audit_of = Some(row.clone());
        done.decisions.push(row);
        Ok(())
    }

    fn tally(&mut self, row: &TallyRow, done: &mut Done) -> Checked {
        hold(row.devices >= 0, promise::COUNTS, || format!("{row:?}"))?;
        done.executions.insert(row.execution_key);
        let slot = Slot {
            status: row.status,
            class: row.class,
            failure: row.failure,
        };
        if let Some(seen) = self.executions.get_mut(&row.execution_key) {
            seen.tallies.insert((row.wave, slot), row.devices);
        }
        Ok(())
    }

    /// Devices of a wave that is kept as a list wait like any other.
    fn kept_wave(&mut self, row: KeptRow, done: &mut Done) {
        let key = (row.execution_key, row.part);
        let before = self
            .kept
            .remove(&key)
            .map_or(0, |row| row.devices.len() as i64);
        let now = if row.gone {
            0
        } else {
            row.devices.len() as i64
        };
        done.executions.insert(row.execution_key);
        if let Some(seen) = self.executions.get_mut(&row.execution_key) {
            let slot = Slot::new(DeviceStatus::Pending, Class::OnTime);
            *seen.counts.entry((row.wave, slot)).or_default() += now - before;
        }
        if !row.gone {
            self.kept.insert(key, row);
        }
    }

    /// The devices of an execution.
    pub(crate) fn members_of(&self, execution: i64) -> impl Iterator<Item = &Member> {
        let all = self
            .members
            .range((execution, i64::MIN)..=(execution, i64::MAX));
        all.map(|(_, member)| member)
    }
}

/// Statuses that only a device that came to fetch the update can say.
const fn says_its_end(status: DeviceStatus) -> bool {
    matches!(status, DeviceStatus::Succeeded | DeviceStatus::Failed)
}
