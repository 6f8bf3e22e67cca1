//! One imagined device: how it behaves, and what a report of it changes.

use super::behaviour::{Behaviour, Course, Courses};
use super::moments::Alarm;
use crate::Timestamp;
use crate::device::{ActionState, AttemptKind, Class, DeviceStatus, FailureKind, Report, Standing};
use crate::engine::{Order, Slot};
use crate::ids::WaveIndex;
use crate::seconds::Seconds;

/// One imagined device.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its wave.
    pub wave: WaveIndex,
    /// Where it stands.
    pub status: DeviceStatus,
    /// How it belongs to the rollout.
    pub class: Class,
    /// How it failed last.
    pub failure: Option<FailureKind>,
    /// It runs the new version.
    pub on_new: bool,
    /// How often it was offered the new version.
    pub offers: u32,
    pub(super) behaviour: Behaviour,
    pub(super) deadline: Alarm,
    pub(super) retry_at: Alarm,
    pub(super) kind: AttemptKind,
    pub(super) action: ActionState,
    pub(super) attempt: u16,
    pub(super) staging: bool,
    failures: u8,
    harmed: bool,
    /// It was lost with an attempt and has not said since what it runs.
    pub(super) lost: bool,
    /// The attempt that it fetched and did not agree to stop; 0 for none.
    holds: u16,
}

/// How soon a device that is awaited asks again.
const ASKS_AGAIN: Seconds = Seconds(10);

impl Device {
    pub(super) const fn pending(wave: WaveIndex, behaviour: Behaviour) -> Self {
        Self {
            wave,
            status: DeviceStatus::Pending,
            class: Class::OnTime,
            failure: None,
            on_new: false,
            offers: 0,
            behaviour,
            deadline: Alarm::NONE,
            retry_at: Alarm::NONE,
            kind: AttemptKind::Deploy,
            action: ActionState::Closed,
            attempt: 0,
            staging: false,
            failures: 0,
            lost: false,
            harmed: false,
            holds: 0,
        }
    }

    /// How it behaves.
    #[must_use]
    pub const fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// When it is given up, where something is expected of it.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline.moment()
    }

    /// When it may be offered the update again after a failure.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at.moment()
    }

    /// Where it is counted.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        Slot {
            status: self.status,
            class: self.class,
            failure: self.failure,
        }
    }

    /// It failed or was lost, for the first time.
    pub(super) fn is_harmed_now(&mut self) -> bool {
        let now = matches!(
            self.status,
            DeviceStatus::Failed | DeviceStatus::TimedOut | DeviceStatus::RollbackFailed
        );
        now && !std::mem::replace(&mut self.harmed, true)
    }

    /// It holds an offer or works on it.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        matches!(
            self.status,
            DeviceStatus::Released
                | DeviceStatus::Downloading
                | DeviceStatus::Installing
                | DeviceStatus::Rebooting
        )
    }

    /// What a report of it changes.
    pub(super) fn report(&mut self, course: Course, order: &Order, now: Timestamp) {
        let awaited = self.class == Class::Absent && self.status == DeviceStatus::Pending;
        if awaited && course.report == Report::Retrieved {
            self.class = Class::Arrived;
            return;
        }
        let current = course.attempt == self.attempt;
        if course.report == Report::Retrieved && current && self.action != ActionState::Closed {
            self.holds = course.attempt;
        }
        if self.holds != course.attempt {
            return;
        }
        if course.report == Report::CancelAccepted {
            self.holds = 0;
        }
        let standing = self.standing(current);
        if course.report == Report::Succeeded && !self.staging {
            self.on_new = standing.attempt == AttemptKind::Deploy;
        }
        let failed = self.failures.saturating_add(1);
        let change =
            standing
                .apply(course.report)
                .or_retry(&standing, &order.retries, failed.into());
        let fetched = self.status == DeviceStatus::Released && change.status.in_flight();
        if change.status != self.status {
            let wait = change.retry_after;
            self.retry_at = wait.map_or(Alarm::NONE, |wait| Alarm::at(wait.after(now)));
        }
        let staged = self.status != DeviceStatus::Verifying && self.staging;
        self.status = change.status;
        if let Some(kind) = change.failure {
            self.failures = failed;
            self.lost = false;
            self.failure = (change.status != DeviceStatus::Pending).then_some(kind);
        } else if self.status == DeviceStatus::Succeeded {
            self.failure = None;
        }
        if current {
            self.action = change.action;
        } else if change.took {
            self.action = ActionState::Closed;
        }
        self.behaviour.can_stage &= !change.hold_back;
        let rests = if self.status == DeviceStatus::Verifying {
            staged && self.action == ActionState::Open
        } else {
            self.status == DeviceStatus::Pending
        };
        if self.status.is_final() || rests {
            self.deadline = Alarm::NONE;
        } else if fetched {
            self.deadline = Alarm::at(order.device_timeout.after(now));
        }
    }

    const fn standing(&self, current: bool) -> Standing {
        Standing {
            status: self.status,
            attempt: if current {
                self.kind
            } else {
                AttemptKind::Deploy
            },
            action: if current {
                self.action
            } else {
                ActionState::Closed
            },
            staging: self.staging,
            stone: false,
        }
    }

    pub(super) fn offer(&mut self, staging: bool, order: &Order, now: Timestamp) -> Courses {
        self.attempt += 1;
        self.offers += 1;
        self.kind = AttemptKind::Deploy;
        self.action = ActionState::Open;
        self.status = DeviceStatus::Released;
        self.failure = None;
        self.retry_at = Alarm::NONE;
        self.staging = staging;
        self.deadline = Alarm::at(order.device_timeout.after(now));
        let result = if staging {
            Some(Report::Downloaded)
        } else {
            self.result()
        };
        let comes_after = if self.class.is_straggler() {
            Some(ASKS_AGAIN)
        } else {
            self.behaviour.comes_after
        };
        let restarts = self.behaviour.restarts && !staging;
        self.course(comes_after, Report::Retrieved, restarts, result)
    }

    const fn result(&self) -> Option<Report> {
        if self.failures < self.behaviour.fails_first {
            Some(Report::Failed)
        } else {
            self.behaviour.result
        }
    }

    pub(super) fn switch(&mut self, order: &Order, now: Timestamp) -> Courses {
        self.staging = false;
        self.status = DeviceStatus::Installing;
        self.deadline = Alarm::at(order.device_timeout.after(now));
        let result = self.result();
        self.course(Some(Seconds(0)), Report::Rebooting, false, result)
    }

    pub(super) fn stop(&mut self, order: &Order, now: Timestamp) -> Courses {
        if !self.status.in_flight() {
            return Courses::default();
        }
        if self.deadline == Alarm::NONE {
            self.deadline = Alarm::at(order.device_timeout.after(now));
        }
        if self.action != ActionState::Open {
            return Courses::default();
        }
        self.action = ActionState::Cancelling;
        let silent = self.behaviour.result.is_none();
        let answer = if self.behaviour.refuses_to_stop {
            Report::CancelRefused
        } else {
            Report::CancelAccepted
        };
        self.course((!silent).then_some(Seconds(5)), answer, false, None)
    }

    pub(super) fn recall(&mut self, deadline: Timestamp) -> Courses {
        self.attempt += 1;
        self.kind = AttemptKind::Rollback;
        self.action = ActionState::Open;
        self.status = DeviceStatus::RollingBack;
        self.failure = None;
        self.deadline = Alarm::at(deadline);
        let (comes_after, back) = (self.behaviour.comes_after, self.behaviour.back);
        self.course(comes_after, Report::Retrieved, false, back)
    }

    /// Ends what is open for it.
    pub(super) fn close(&mut self, status: DeviceStatus) {
        self.status = status;
        self.action = ActionState::Closed;
        self.deadline = Alarm::NONE;
        self.retry_at = Alarm::NONE;
    }

    /// Gives it up while it waits for another attempt.
    pub(super) fn write_off(&mut self) {
        self.close(DeviceStatus::TimedOut);
        self.failure = Some(FailureKind::TimedOut);
    }

    /// Gives it up, or offers it the update again where that kind of silence is retried.
    pub(super) fn give_up(&mut self, order: &Order, now: Timestamp) {
        let kind = if self.status == DeviceStatus::Rebooting {
            FailureKind::UpdatedThenSilent
        } else {
            FailureKind::TimedOut
        };
        let asked_to_stop = self.action == ActionState::Cancelling;
        self.failures = self.failures.saturating_add(1);
        let wait = order
            .retries
            .get(&kind)
            .filter(|_| !asked_to_stop)
            .and_then(|retry| retry.wait_after(self.failures.into()));
        match wait {
            Some(wait) => {
                self.close(DeviceStatus::Pending);
                self.lost = true;
                self.retry_at = Alarm::at(wait.after(now));
            }
            None => {
                self.close(DeviceStatus::TimedOut);
                self.failure = Some(kind);
            }
        }
    }

    fn course(
        &self,
        start: Option<Seconds>,
        first: Report,
        restarts: bool,
        then: Option<Report>,
    ) -> Courses {
        let Some(start) = start else {
            return Courses::default();
        };
        let end = Seconds(start.0 + self.behaviour.takes.0);
        let report = |after, report| Course {
            after,
            attempt: self.attempt,
            report,
        };
        let restart = Seconds(end.0.saturating_sub(1));
        Courses {
            list: [
                Some(report(start, first)),
                restarts.then(|| report(restart, Report::Rebooting)),
                then.map(|result| report(end, result)),
            ],
            twice: self.behaviour.reports_twice,
        }
    }
}
