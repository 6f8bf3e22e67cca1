//! Breaking what the program does, to see whether a test notices.

use crate::{StoreError, Tx};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Decisions of one kind have no audit entry.
    DropAudit,
    /// What is decided is not told to the outside.
    DropOutbox,
    /// A device's success is acknowledged, and its place in the rollout stays as it was.
    SwallowSuccess,
    /// An execution that is over goes on when the next device says something.
    Reopen,
    /// Some devices that are told to go back are taken for being back, and never told.
    ForgetRecall,
    /// A success is counted twice.
    Miscount,
    /// An attempt stays open when the device is told to go back.
    KeepOpen,
    /// Devices that came to fetch the update have no deadline.
    ForgetDeadline,
    /// A message is acknowledged and not kept.
    LoseMessage,
}

/// Breaks it from now on, in this store.
///
/// # Errors
/// The database fails.
pub fn sabotage(tx: &Tx<'_>, what: Sabotage) -> Result<(), StoreError> {
    let body = match what {
        Sabotage::DropAudit => {
            "BEFORE INSERT ON audit WHEN NEW.action IN ('execution.passed', 'execution.tripped')
             BEGIN SELECT RAISE(IGNORE); END"
        }
        Sabotage::DropOutbox => {
            "BEFORE INSERT ON outbox WHEN NEW.body LIKE '%\"decision\":\"settled\"%'
             BEGIN SELECT RAISE(IGNORE); END"
        }
        Sabotage::SwallowSuccess => {
            "BEFORE UPDATE OF status ON assignments
             WHEN NEW.status = 'succeeded' AND NEW.device_key % 5 = 0
             BEGIN SELECT RAISE(IGNORE); END"
        }
        Sabotage::Reopen => {
            "AFTER INSERT ON messages BEGIN
                UPDATE executions SET finished_at = NULL, phase = 'observing',
                    state = json_set(state, '$.phase', json('{\"phase\":\"observing\",\"wave\":0}'))
                WHERE finished_at IS NOT NULL AND devices > 0; END"
        }
        Sabotage::ForgetRecall => {
            "AFTER UPDATE OF status ON assignments
             WHEN NEW.status = 'rolling_back' AND OLD.status <> 'rolling_back'
                AND NEW.device_key % 3 = 0
             BEGIN
                UPDATE assignments SET status = 'rolled_back', deadline = NULL
                WHERE device_key = NEW.device_key AND execution_key = NEW.execution_key;
                UPDATE actions SET state = 'closed', closed_at = opened_at
                WHERE action_id = NEW.action_id;
                UPDATE tallies SET devices = devices - 1
                WHERE execution_key = NEW.execution_key AND wave = NEW.wave
                    AND status = 'rolling_back' AND class = NEW.class AND failure = '';
                INSERT INTO tallies (execution_key, wave, status, class, failure, devices)
                VALUES (NEW.execution_key, NEW.wave, 'rolled_back', NEW.class, '', 1)
                ON CONFLICT (execution_key, wave, status, class, failure)
                DO UPDATE SET devices = devices + 1; END"
        }
        Sabotage::Miscount => {
            "AFTER UPDATE OF devices ON tallies
             WHEN NEW.status = 'succeeded' AND NEW.devices = OLD.devices + 1
             BEGIN
                UPDATE tallies SET devices = devices + 1
                WHERE execution_key = NEW.execution_key AND wave = NEW.wave
                    AND status = NEW.status AND class = NEW.class AND failure = NEW.failure; END"
        }
        Sabotage::KeepOpen => {
            "BEFORE UPDATE OF state ON actions
             WHEN NEW.state = 'closed' AND NEW.kind = 'deploy' AND NEW.device_key % 3 = 0
             BEGIN SELECT RAISE(IGNORE); END"
        }
        Sabotage::ForgetDeadline => {
            "AFTER UPDATE OF deadline ON assignments WHEN NEW.status = 'downloading'
             BEGIN
                UPDATE assignments SET deadline = NULL
                WHERE device_key = NEW.device_key AND execution_key = NEW.execution_key; END"
        }
        Sabotage::LoseMessage => {
            "BEFORE INSERT ON messages WHEN NEW.report = 'succeeded'
             BEGIN SELECT RAISE(IGNORE); END"
        }
    };
    tx.execute(&format!("CREATE TEMP TRIGGER sabotage {body}"), &[])
        .map(drop)
}
