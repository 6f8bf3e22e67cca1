//! What a device's report changes. Reports may come twice, late or out of order; applying one is a
//! pure function of where the device stands, and never undoes a decision.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DeviceStatus, FailureKind};
use crate::plan::Retry;
use crate::seconds::Seconds;

/// What a device says of an attempt, whatever protocol it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// It asked for the description of the update.
    Retrieved,
    /// It downloads.
    Downloading,
    /// It has all of the image.
    Downloaded,
    /// It writes the image.
    Installing,
    /// It wrote the image and restarts.
    Rebooting,
    /// It says something that changes nothing.
    Information,
    /// It runs the offered version.
    Succeeded,
    /// It does not run the offered version.
    Failed,
    /// It agreed to stop.
    CancelAccepted,
    /// It will not stop.
    CancelRefused,
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// To bring the new version.
    Deploy,
    /// To bring the earlier version back.
    Rollback,
}

/// Whether the server still expects something of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// Offered.
    Open,
    /// The device is asked to stop.
    Cancelling,
    /// Over.
    Closed,
}

/// Where a device stands when its report is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its status in the execution.
    pub status: DeviceStatus,
    /// What the attempt that the report names is for.
    pub attempt: AttemptKind,
    /// The state of that attempt.
    pub action: ActionState,
    /// The attempt is to fill the inactive slot only.
    pub staging: bool,
    /// The attempt brings a version on the way, not the one that is rolled out.
    pub stone: bool,
}

/// What a report changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The device's status after it.
    pub status: DeviceStatus,
    /// The attempt's state after it.
    pub action: ActionState,
    /// The report proves that the device took the offered version.
    pub took: bool,
    /// How the device failed, where this report says that it did.
    pub failure: Option<FailureKind>,
    /// The device can't fill a slot without switching to it: hold its offer back until the switch.
    pub hold_back: bool,
    /// The report came after the attempt was over: kept as history only.
    pub late: bool,
    /// The device will be offered the update again after this long.
    pub retry_after: Option<Seconds>,
}

impl Standing {
    /// What `report` changes.
    #[must_use]
    pub fn apply(self, report: Report) -> Change {
        match (self.action, self.attempt) {
            (ActionState::Closed, _) => self.after_the_end(report),
            (ActionState::Open | ActionState::Cancelling, AttemptKind::Deploy) => {
                self.deploy(report)
            }
            (ActionState::Open | ActionState::Cancelling, AttemptKind::Rollback) => {
                self.rollback(report)
            }
        }
    }

    fn unchanged(self) -> Change {
        Change {
            status: self.status,
            action: self.action,
            took: false,
            failure: None,
            hold_back: false,
            late: false,
            retry_after: None,
        }
    }

    fn deploy(self, report: Report) -> Change {
        let same = self.unchanged();
        match report {
            Report::Retrieved | Report::Downloading => self.forward(DeviceStatus::Downloading),
            Report::Downloaded if self.staging => self.forward(DeviceStatus::Verifying),
            Report::Downloaded | Report::Installing => self.forward(DeviceStatus::Installing),
            Report::Rebooting => self.forward(DeviceStatus::Rebooting),
            Report::Information => same,
            Report::Succeeded if self.staging => Change {
                status: DeviceStatus::Pending,
                action: ActionState::Closed,
                hold_back: true,
                ..same
            },
            Report::Succeeded if self.stone => Change {
                status: DeviceStatus::Pending,
                action: ActionState::Closed,
                took: true,
                ..same
            },
            Report::Succeeded => Change {
                status: DeviceStatus::Succeeded,
                action: ActionState::Closed,
                took: true,
                ..same
            },
            Report::Failed => Change {
                status: DeviceStatus::Failed,
                action: ActionState::Closed,
                failure: Some(self.failure()),
                ..same
            },
            Report::CancelAccepted if self.action == ActionState::Cancelling => Change {
                status: DeviceStatus::Cancelled,
                action: ActionState::Closed,
                ..same
            },
            Report::CancelRefused => Change {
                action: ActionState::Open,
                ..same
            },
            Report::CancelAccepted => same,
        }
    }

    /// A device that had started into the new version and reports a failure is back on its earlier one.
    const fn failure(self) -> FailureKind {
        match self.status {
            DeviceStatus::Rebooting => FailureKind::RolledBackOnDevice,
            DeviceStatus::Pending
            | DeviceStatus::Released
            | DeviceStatus::Downloading
            | DeviceStatus::Installing
            | DeviceStatus::Verifying
            | DeviceStatus::Succeeded
            | DeviceStatus::Failed
            | DeviceStatus::RollingBack
            | DeviceStatus::RolledBack
            | DeviceStatus::RollbackFailed
            | DeviceStatus::Skipped
            | DeviceStatus::Cancelled
            | DeviceStatus::TimedOut => FailureKind::InstallFailed,
        }
    }

    /// Progress never goes back.
    fn forward(self, to: DeviceStatus) -> Change {
        let status = if to > self.status { to } else { self.status };
        Change {
            status,
            ..self.unchanged()
        }
    }

    fn rollback(self, report: Report) -> Change {
        let same = self.unchanged();
        match report {
            Report::Succeeded => Change {
                status: DeviceStatus::RolledBack,
                action: ActionState::Closed,
                took: true,
                ..same
            },
            Report::Failed => Change {
                status: DeviceStatus::RollbackFailed,
                action: ActionState::Closed,
                failure: Some(FailureKind::RollbackFailed),
                ..same
            },
            Report::Retrieved
            | Report::Downloading
            | Report::Downloaded
            | Report::Installing
            | Report::Rebooting
            | Report::Information
            | Report::CancelAccepted
            | Report::CancelRefused => same,
        }
    }

    /// The verdict stands; only a device that was given up, or had agreed to stop, and runs the new
    /// version after all is corrected, so that a rollback does not miss it. That ends the offer of
    /// another attempt, where it holds one.
    fn after_the_end(self, report: Report) -> Change {
        let late = Change {
            late: true,
            ..self.unchanged()
        };
        if report != Report::Succeeded || self.staging || self.stone {
            return late;
        }
        let status = match (self.attempt, self.status) {
            (
                AttemptKind::Deploy,
                DeviceStatus::TimedOut
                | DeviceStatus::Cancelled
                | DeviceStatus::Pending
                | DeviceStatus::Released,
            ) => DeviceStatus::Succeeded,
            (AttemptKind::Rollback, DeviceStatus::RollbackFailed) => DeviceStatus::RolledBack,
            (AttemptKind::Deploy | AttemptKind::Rollback, status) => status,
        };
        let corrected = status != self.status;
        Change {
            status,
            took: corrected,
            ..late
        }
    }
}

impl Change {
    /// The same change, but a device that failed for the `failures`-th time gets another attempt where
    /// its kind of failure is retried. A device that was asked to stop gets none.
    #[must_use]
    pub fn or_retry(
        self,
        before: &Standing,
        retries: &BTreeMap<FailureKind, Retry>,
        failures: u32,
    ) -> Self {
        let asked_to_stop = before.action == ActionState::Cancelling;
        let wait = self
            .failure
            .filter(|_| self.status == DeviceStatus::Failed && !self.late && !asked_to_stop)
            .and_then(|kind| retries.get(&kind))
            .and_then(|retry| retry.wait_after(failures));
        match wait {
            None => self,
            Some(_) => Self {
                status: DeviceStatus::Pending,
                retry_after: wait,
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(status: DeviceStatus) -> Standing {
        Standing {
            status,
            attempt: AttemptKind::Deploy,
            action: ActionState::Open,
            staging: false,
            stone: false,
        }
    }

    #[test]
    fn progress_never_goes_back() {
        let installing = at(DeviceStatus::Installing);
        assert_eq!(
            installing.apply(Report::Retrieved).status,
            DeviceStatus::Installing
        );
        assert_eq!(
            installing.apply(Report::Rebooting).status,
            DeviceStatus::Rebooting
        );
    }

    #[test]
    fn a_doubled_result_changes_nothing() {
        let first = at(DeviceStatus::Rebooting).apply(Report::Succeeded);
        let standing = Standing {
            status: first.status,
            action: first.action,
            ..at(first.status)
        };
        let second = standing.apply(Report::Succeeded);
        assert!(second.late && !second.took);
        assert_eq!(second.status, DeviceStatus::Succeeded);
        assert_eq!(
            standing.apply(Report::Failed).status,
            DeviceStatus::Succeeded
        );
    }

    #[test]
    fn a_late_success_corrects_who_was_given_up_only() {
        let closed = |status| Standing {
            action: ActionState::Closed,
            ..at(status)
        };
        for status in [DeviceStatus::TimedOut, DeviceStatus::Cancelled] {
            let change = closed(status).apply(Report::Succeeded);
            assert_eq!(
                (change.status, change.took),
                (DeviceStatus::Succeeded, true)
            );
        }
        for status in [
            DeviceStatus::Failed,
            DeviceStatus::Skipped,
            DeviceStatus::RollingBack,
        ] {
            assert_eq!(closed(status).apply(Report::Succeeded).status, status);
        }
    }

    #[test]
    fn a_staged_slot_is_not_an_update() {
        let staging = Standing {
            staging: true,
            ..at(DeviceStatus::Downloading)
        };
        assert_eq!(
            staging.apply(Report::Downloaded).status,
            DeviceStatus::Verifying
        );
        let skipped = staging.apply(Report::Succeeded);
        assert!(skipped.hold_back && !skipped.took);
        assert_eq!(skipped.status, DeviceStatus::Pending);
    }

    #[test]
    fn a_device_that_refuses_to_stop_goes_on() {
        let asked = Standing {
            action: ActionState::Cancelling,
            ..at(DeviceStatus::Installing)
        };
        assert_eq!(asked.apply(Report::CancelRefused).action, ActionState::Open);
        assert_eq!(
            asked.apply(Report::CancelAccepted).status,
            DeviceStatus::Cancelled
        );
        assert_eq!(
            asked.apply(Report::Succeeded).status,
            DeviceStatus::Succeeded
        );
    }
}
