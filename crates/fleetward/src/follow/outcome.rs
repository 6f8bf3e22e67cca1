//! When a wait for an execution is over, and what it came to.

use fleetward_server::api::types::ExecutionView;

use crate::error::{CliError, Ending, ErrorKind};

/// What a command wants of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Every device is updated.
    Success,
    /// It waits.
    Paused,
    /// It is called off.
    Cancelled,
    /// The devices are back on what they had.
    RolledBack,
}

impl Goal {
    /// How the wait ends, or nothing while the execution goes on. It may wait for an operator without an end where
    /// `through_halts` is set.
    pub(super) fn judge(
        self,
        execution: &ExecutionView,
        through_halts: bool,
    ) -> Result<Option<Ending>, CliError> {
        let status = execution.status.as_str();
        Ok(match status {
            "succeeded" => Some(Ending::Done),
            "rolled_back" => Some(self.reached_by(Self::RolledBack, Ending::RolledBack)),
            "rollback_incomplete" => Some(Ending::RollbackIncomplete),
            "cancelled" => Some(self.reached_by(Self::Cancelled, Ending::Cancelled)),
            "no_devices" => Some(Ending::NoDevices),
            "paused" if self == Self::Paused => Some(Ending::Done),
            "paused" | "halted" if !through_halts => Some(Ending::Halted),
            _ if execution.finished => {
                let message =
                    format!("the execution ended as `{status}`, which this program does not know");
                return Err(CliError::new(ErrorKind::Internal, message)
                    .hint("use a fleetward program of the server's version"));
            }
            _ => None,
        })
    }

    fn reached_by(self, goal: Self, otherwise: Ending) -> Ending {
        if self == goal {
            Ending::Done
        } else {
            otherwise
        }
    }
}

#[cfg(test)]
mod tests {
    use fleetward_server::api::types::ExecutionView;

    use super::{Ending, Goal};

    fn execution(status: &str, finished: bool) -> ExecutionView {
        let json = serde_json::json!({
            "execution_id": "exec_1", "plan_id": "plan_1", "name": "", "environment": "production",
            "firmware_version": "1.0.0", "strategy": "canary", "status": status, "finished": finished,
            "reason": null, "current_wave": null, "devices": 0, "excluded": {}, "progress": 0.0, "counts": {},
            "late": 0, "waves": [], "started_at": "", "started_by": "", "finished_at": null,
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_end_is_good_when_it_is_what_was_asked_for() {
        let of = |goal: Goal, status| {
            goal.judge(&execution(status, true), false)
                .unwrap()
                .unwrap()
        };
        assert_eq!(of(Goal::Success, "succeeded"), Ending::Done);
        assert_eq!(of(Goal::Success, "rolled_back"), Ending::RolledBack);
        assert_eq!(of(Goal::RolledBack, "rolled_back"), Ending::Done);
        assert_eq!(
            of(Goal::RolledBack, "rollback_incomplete"),
            Ending::RollbackIncomplete
        );
        assert_eq!(of(Goal::Success, "cancelled"), Ending::Cancelled);
        assert_eq!(of(Goal::Cancelled, "cancelled"), Ending::Done);
        assert_eq!(of(Goal::Success, "no_devices"), Ending::NoDevices);
    }

    #[test]
    fn waiting_for_an_operator_ends_a_wait_unless_it_is_watched() {
        let of =
            |goal: Goal, status, through| goal.judge(&execution(status, false), through).unwrap();
        assert_eq!(of(Goal::Success, "halted", false), Some(Ending::Halted));
        assert_eq!(of(Goal::Success, "paused", true), None);
        assert_eq!(of(Goal::Paused, "paused", false), Some(Ending::Done));
        assert_eq!(of(Goal::Success, "observing", false), None);
        assert_eq!(of(Goal::Success, "queued", false), None, "it will start");
    }

    #[test]
    fn an_end_of_a_newer_server_is_no_success() {
        assert!(
            Goal::Success
                .judge(&execution("superseded", true), false)
                .is_err()
        );
    }
}
