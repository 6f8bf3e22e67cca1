//! How a device's job moves on: taking an order, downloading, installing, rebooting, ending. Not in here: HTTP answers.

use super::job::{File, Job, Order};
use super::outbox::ReportKind;
use super::{Device, Ended};
use crate::behaviour::{DownloadMode, Slots, Span};
use crate::chance::Matter;
use crate::wire::ActionId;
use rand::RngExt;
use std::mem;

impl Device {
    /// Does all that time alone brings about up to `now_ms`.
    pub(super) fn elapse(&mut self, now_ms: u64) {
        while self.job_is_due(now_ms) {
            self.job = match mem::replace(&mut self.job, Job::Idle) {
                Job::Downloading { order, .. } => self.finish_download(order, now_ms),
                Job::Installing {
                    order, from_slot, ..
                } => self.finish_install(order, from_slot, now_ms),
                Job::Installed { order } => {
                    let until_ms = now_ms + self.lasting(self.behaviour.reboot_time);
                    Job::Rebooting { order, until_ms }
                }
                Job::Rebooting { order, .. } => self.boot(order, now_ms),
                job @ (Job::Idle | Job::Staged { .. } | Job::Silent) => job,
            };
        }
    }

    /// Takes up an order, unless there is nothing to be done about it now.
    pub(super) fn take(&mut self, order: Order, now_ms: u64) {
        if self
            .ended
            .as_ref()
            .is_some_and(|ended| ended.action == order.action)
        {
            self.repeat_end(now_ms);
        } else if !order.may_install && !self.behaviour.honours_skip {
            self.outbox.push(
                order.action,
                ReportKind::Skipped,
                "Skipped update.".to_owned(),
                now_ms,
            );
        } else if order.version == self.running {
            let details = format!("{} is running already", self.running);
            self.end(order.action, ReportKind::Succeeded, details, now_ms);
        } else if order.switch_back && self.holds(&order.version) {
            self.job = Job::Installing {
                order,
                from_slot: true,
                until_ms: now_ms,
            };
        } else if order.files.is_empty() {
            self.fail(
                order.action,
                format!("no file to install {} from", order.version),
                now_ms,
            );
        } else if order.may_download {
            self.start_download(order, now_ms);
        }
    }

    /// The same action is offered again while its update is held.
    pub(super) fn resume_staged(&mut self, order: Order, written: bool, now_ms: u64) {
        self.job = match (order.may_install, written) {
            (false, _) => Job::Staged { order, written },
            (true, true) => self.restart(order, now_ms),
            (true, false) => self.start_install(order, now_ms),
        };
    }

    /// A file has arrived: `size` bytes with this digest.
    pub(super) fn receive(&mut self, size: u64, sha256: Option<&str>, now_ms: u64) {
        let verifies = self.behaviour.verifies_artifact;
        let fault = self
            .job
            .wanted_file()
            .filter(|_| verifies)
            .and_then(|file| fault_of(file, size, sha256));
        if let Job::Downloading { order, fetched, .. } = &mut self.job {
            match fault {
                None => *fetched += 1,
                Some(fault) => {
                    let action = order.action;
                    self.fail(action, fault, now_ms);
                }
            }
        }
    }

    /// Gives the current action up as failed.
    pub(super) fn fail(&mut self, action: ActionId, details: String, now_ms: u64) {
        self.counters.failures += 1;
        self.job = Job::Idle;
        self.end(action, ReportKind::Failed, details, now_ms);
    }

    /// A duration of this device, in milliseconds.
    fn lasting(&mut self, span: Span) -> u64 {
        let (least, most) = self.behaviour.slow;
        let factor = least + (most - least) * self.lots.draw(Matter::Slowness, "", 0);
        (span.at(self.jitter.random::<f64>()) * factor) as u64
    }

    /// A reboot waits for the reports before it, so that none is sent while the device is down.
    fn job_is_due(&self, now_ms: u64) -> bool {
        match &self.job {
            Job::Installed { .. } => self.outbox.due(now_ms).is_none(),
            Job::Downloading { .. } | Job::Installing { .. } | Job::Rebooting { .. } => {
                self.job.until_ms().is_some_and(|until| until <= now_ms)
            }
            Job::Idle | Job::Staged { .. } | Job::Silent => false,
        }
    }

    fn holds(&self, version: &str) -> bool {
        self.behaviour.slots == Slots::Two && self.other_slot.as_deref() == Some(version)
    }

    fn start_download(&mut self, order: Order, now_ms: u64) {
        let details = format!("downloading {}", order.version);
        self.outbox
            .push(order.action, ReportKind::Downloading, details, now_ms);
        let (fetched, until_ms) = match self.behaviour.download {
            DownloadMode::Full => (0, now_ms),
            DownloadMode::HeadOnly => (0, now_ms + self.lasting(self.behaviour.download_time)),
            DownloadMode::Skip => (
                order.files.len(),
                now_ms + self.lasting(self.behaviour.download_time),
            ),
        };
        self.job = Job::Downloading {
            order,
            fetched,
            until_ms,
        };
    }

    /// An update that must wait is written at once where there is a slot for it, and else held as a file.
    fn finish_download(&mut self, order: Order, now_ms: u64) -> Job {
        if order.may_install {
            let details = format!("{} is downloaded", order.version);
            self.outbox
                .push(order.action, ReportKind::Downloaded, details, now_ms);
            return self.start_install(order, now_ms);
        }
        match self.behaviour.slots {
            Slots::One => self.stage(order, false, now_ms),
            Slots::Two => self.start_install(order, now_ms),
        }
    }

    fn start_install(&mut self, order: Order, now_ms: u64) -> Job {
        let details = format!("installing {}", order.version);
        self.outbox
            .push(order.action, ReportKind::Installing, details, now_ms);
        let until_ms = now_ms + self.lasting(self.behaviour.install_time);
        if self.behaviour.slots == Slots::Two {
            self.other_slot = None;
        }
        Job::Installing {
            order,
            from_slot: false,
            until_ms,
        }
    }

    fn finish_install(&mut self, order: Order, from_slot: bool, now_ms: u64) -> Job {
        let attempt = self.installations.entry(order.version.clone()).or_default();
        let lot = self.lots.draw(Matter::Install, &order.version, *attempt);
        *attempt += 1;
        let probability = if from_slot {
            self.behaviour
                .failure_by_version
                .get(&order.version)
                .copied()
                .unwrap_or(0.0)
        } else {
            self.behaviour.failure_of(&order.version)
        };
        if lot < probability {
            self.fail(
                order.action,
                format!("installing {} failed: write error", order.version),
                now_ms,
            );
            return Job::Idle;
        }
        if self.behaviour.slots == Slots::Two {
            self.other_slot = Some(order.version.clone());
        }
        if order.may_install {
            self.restart(order, now_ms)
        } else {
            self.stage(order, true, now_ms)
        }
    }

    fn stage(&mut self, order: Order, written: bool, now_ms: u64) -> Job {
        let details = format!("{} is ready to be switched to", order.version);
        self.outbox
            .push(order.action, ReportKind::Staged, details, now_ms);
        Job::Staged { order, written }
    }

    fn restart(&mut self, order: Order, now_ms: u64) -> Job {
        let details = format!("restarting into {}", order.version);
        self.outbox
            .push(order.action, ReportKind::Restarting, details, now_ms);
        Job::Installed { order }
    }

    fn boot(&mut self, order: Order, now_ms: u64) -> Job {
        let before = mem::replace(&mut self.running, order.version);
        self.other_slot = match self.behaviour.slots {
            Slots::One => None,
            Slots::Two => Some(before),
        };
        self.counters.updates += 1;
        self.follow_ups.clear();
        self.next_poll_ms = now_ms;
        let attempt = self.installations.get(&self.running).copied().unwrap_or(0);
        let silence = self.behaviour.silence_of(&self.running);
        if self.lots.draw(Matter::Silence, &self.running, attempt) < silence {
            return Job::Silent;
        }
        let details = format!("{} is running", self.running);
        self.end(order.action, ReportKind::Succeeded, details, now_ms);
        Job::Idle
    }

    /// Reports an action's end, late or twice if the device is that way.
    fn end(&mut self, action: ActionId, kind: ReportKind, details: String, now_ms: u64) {
        let subject = action.to_string();
        let late = self.lots.draw(Matter::Late, &subject, 0) < self.behaviour.late_report;
        let due_ms = if late {
            now_ms + self.lasting(self.behaviour.late_by)
        } else {
            now_ms
        };
        let twice = self.lots.draw(Matter::Twice, &subject, 0) < self.behaviour.report_twice;
        for _copy in 0..=u8::from(twice) {
            self.outbox.push(action, kind, details.clone(), due_ms);
        }
        self.ended = Some(Ended {
            action,
            kind,
            details,
        });
    }

    /// An ended action that is offered again has not been heard of, unless the news is still on its way.
    fn repeat_end(&mut self, now_ms: u64) {
        let Some(Ended {
            action,
            kind,
            details,
        }) = self.ended.clone()
        else {
            return;
        };
        if !self.outbox.holds_end_of(action) {
            self.counters.offered_again += 1;
            self.outbox.push(action, kind, details, now_ms);
        }
    }
}

fn fault_of(file: &File, size: u64, sha256: Option<&str>) -> Option<String> {
    let File {
        name,
        size: wanted_size,
        sha256: wanted,
        ..
    } = file;
    if size != *wanted_size {
        return Some(format!(
            "Size of {name} does not match: should be {wanted_size} but actually is {size}"
        ));
    }
    let actual = sha256.filter(|actual| actual != wanted)?;
    Some(format!(
        "Checksum does not match: {name} should be {wanted} but actually is {actual}"
    ))
}
