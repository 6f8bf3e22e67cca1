//! Reports that still have to reach the server, in order, and the record of those that did. Not in here: what to report when.

use crate::wire::{ActionId, Execution, Feedback, Finished, Outcome, Status};
use std::collections::VecDeque;

/// The most dropped reports a device remembers one by one.
const DROPPED_KEPT: usize = 16;

/// What a report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// The download begins.
    Downloading,
    /// All files are on the device.
    Downloaded,
    /// The update is held, ready to be switched to.
    Staged,
    /// The image is being written.
    Installing,
    /// The device reboots into the new version.
    Restarting,
    /// The update is over and the device runs what was asked for.
    Succeeded,
    /// The update is over and did not work.
    Failed,
    /// The update is declared done without having been installed, since it may not be installed now.
    Skipped,
    /// A cancellation is obeyed.
    CancelAccepted,
    /// A cancellation is refused: the work goes on.
    CancelRefused,
    /// A cancellation came too late: the update is installed already.
    CancelTooLate,
}

impl ReportKind {
    /// Whether the report ends its action.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }

    /// Whether the report answers a cancellation rather than telling about an update.
    pub fn answers_cancel(self) -> bool {
        matches!(
            self,
            Self::CancelAccepted | Self::CancelRefused | Self::CancelTooLate
        )
    }

    fn words(self) -> (Execution, Finished) {
        match self {
            Self::Downloading | Self::Installing | Self::Restarting => {
                (Execution::Proceeding, Finished::None)
            }
            Self::Downloaded => (Execution::Downloaded, Finished::None),
            Self::Staged => (Execution::Downloaded, Finished::Success),
            Self::Succeeded | Self::Skipped | Self::CancelAccepted => {
                (Execution::Closed, Finished::Success)
            }
            Self::Failed | Self::CancelTooLate => (Execution::Closed, Finished::Failure),
            Self::CancelRefused => (Execution::Rejected, Finished::None),
        }
    }
}

/// A report the server has answered with 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgedReport {
    /// The action.
    pub action: ActionId,
    /// What was said.
    pub kind: ReportKind,
}

/// A report the server has refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedReport {
    /// The action.
    pub action: ActionId,
    /// What was said.
    pub kind: ReportKind,
    /// The HTTP status it was refused with.
    pub status: u16,
}

#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) number: u64,
    pub(super) action: ActionId,
    pub(super) kind: ReportKind,
    details: String,
    due_ms: u64,
}

impl Report {
    pub(super) fn body(&self) -> Feedback {
        let (execution, finished) = self.kind.words();
        let details = vec![self.details.clone()];
        Feedback {
            id: self.action,
            status: Status {
                execution,
                result: Outcome { finished },
                details,
            },
        }
    }
}

/// Reports waiting to be sent, and what became of the others.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Report>,
    last_number: u64,
    /// Acknowledged reports, if they are recorded.
    pub(super) acknowledged: Option<Vec<AcknowledgedReport>>,
    /// The newest of the dropped reports.
    pub(super) dropped: VecDeque<DroppedReport>,
}

impl Outbox {
    pub(super) fn new(record: bool) -> Self {
        Self {
            acknowledged: record.then(Vec::new),
            ..Self::default()
        }
    }

    /// Adds a report that is not to be sent before `due_ms`.
    pub(super) fn push(
        &mut self,
        action: ActionId,
        kind: ReportKind,
        details: String,
        due_ms: u64,
    ) {
        self.last_number += 1;
        self.waiting.push_back(Report {
            number: self.last_number,
            action,
            kind,
            details,
            due_ms,
        });
    }

    /// The oldest report that may be sent now.
    pub(super) fn due(&self, now_ms: u64) -> Option<&Report> {
        self.waiting.iter().find(|report| report.due_ms <= now_ms)
    }

    /// When the first held-back report may be sent.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.waiting.iter().map(|report| report.due_ms).min()
    }

    /// Whether the end of `action` is still to be told.
    pub(super) fn holds_end_of(&self, action: ActionId) -> bool {
        self.waiting
            .iter()
            .any(|report| report.action == action && report.kind.is_final())
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The server has the report.
    pub(super) fn acknowledge(&mut self, number: u64) -> Option<ReportKind> {
        let report = self.take(number)?;
        if let Some(log) = &mut self.acknowledged {
            log.push(AcknowledgedReport {
                action: report.action,
                kind: report.kind,
            });
        }
        Some(report.kind)
    }

    /// The server will never take the report.
    pub(super) fn refuse(&mut self, number: u64, status: u16) -> Option<ReportKind> {
        let report = self.take(number)?;
        if self.dropped.len() == DROPPED_KEPT {
            self.dropped.pop_front();
        }
        self.dropped.push_back(DroppedReport {
            action: report.action,
            kind: report.kind,
            status,
        });
        Some(report.kind)
    }

    fn take(&mut self, number: u64) -> Option<Report> {
        let place = self
            .waiting
            .iter()
            .position(|report| report.number == number)?;
        self.waiting.remove(place)
    }
}
