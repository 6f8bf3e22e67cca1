//! One simulated device as a state machine: it names the next request and is told the answer. Does no I/O, reads no clock.
//!
//! Time is device time in milliseconds from any origin, and is always an argument. Parts: `job` (what a device is busy with),
//! `request` (what is asked and answered), `work` (how a job moves on), `replies` (what an answer changes), `outbox` (reports on their way).

mod job;
mod outbox;
mod replies;
mod request;
#[cfg(test)]
mod tests;
mod work;

pub use outbox::{AcknowledgedReport, DroppedReport, ReportKind};
pub use request::{Answer, Request, Step};

use crate::behaviour::{Behaviour, DownloadMode};
use crate::chance::{Lots, Matter};
use crate::wire::{ActionId, ConfigData, ConfigMode};
use job::Job;
use outbox::Outbox;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What makes a device the one it is.
#[derive(Debug, Clone)]
pub struct DeviceSetup {
    /// Name towards the server.
    pub id: String,
    /// Place in the fleet; together with `seed` it decides the device's luck.
    pub index: u64,
    /// Seed of the fleet.
    pub seed: u64,
    /// Hardware model, sent as attribute `model`.
    pub model: String,
    /// Hardware revision, sent as attribute `hw_revision`.
    pub hw_revision: String,
    /// Version running at the start, sent as attribute `sw_version`.
    pub version: String,
    /// Further attributes.
    pub attributes: BTreeMap<String, String>,
    /// Shortest time between two polls, in milliseconds.
    pub min_poll_ms: u64,
    /// The first poll comes at a random time up to this many milliseconds.
    pub first_poll_within_ms: u64,
    /// Whether acknowledged reports are recorded.
    pub record: bool,
}

/// What a device looks busy with from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Polling, nothing to do.
    Idle,
    /// Fetching an update.
    Downloading,
    /// Writing an update.
    Installing,
    /// Holding an update until it may be installed.
    Staged,
    /// Rebooting, or about to.
    Rebooting,
    /// Not talking to the server at present.
    Offline,
    /// Took an update and will never talk again.
    Silent,
}

/// What happened to a device so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Polls answered.
    pub polls: u64,
    /// Updates booted into.
    pub updates: u64,
    /// Updates that failed.
    pub failures: u64,
    /// Cancellations obeyed.
    pub cancels_accepted: u64,
    /// Cancellations refused or too late.
    pub cancels_refused: u64,
    /// Requests that have to be tried again.
    pub retries: u64,
    /// Actions offered again after their end had been reported.
    pub offered_again: u64,
    /// Reports acknowledged.
    pub acknowledged: u64,
    /// Reports given up because the server refused them for good.
    pub dropped: u64,
    /// Answers that could not be used.
    pub garbled: u64,
}

/// A simulated device.
#[derive(Debug)]
pub struct Device {
    setup: DeviceSetup,
    behaviour: Arc<Behaviour>,
    lots: Lots,
    jitter: Xoshiro256PlusPlus,
    running: String,
    other_slot: Option<String>,
    installations: BTreeMap<String, u32>,
    job: Job,
    ended: Option<Ended>,
    outbox: Outbox,
    follow_ups: VecDeque<FollowUp>,
    awaited: Option<Awaited>,
    next_poll_ms: u64,
    retry_at_ms: u64,
    setbacks: u32,
    brought_online: bool,
    counters: DeviceCounters,
}

/// The action that ended last, and how.
#[derive(Debug, Clone)]
struct Ended {
    action: ActionId,
    kind: ReportKind,
    details: String,
}

/// Where a poll's links lead.
#[derive(Debug, Clone)]
enum FollowUp {
    ConfigData(String),
    Deployment(String),
    Cancel(String),
}

/// The request whose answer is outstanding.
#[derive(Debug, Clone, Copy)]
enum Awaited {
    Poll,
    ConfigData,
    Deployment,
    Cancel,
    Download,
    Report(u64),
}

impl Device {
    /// A device at time 0 that has never talked to the server.
    pub fn new(setup: DeviceSetup, behaviour: Arc<Behaviour>) -> Self {
        let lots = Lots::new(setup.seed, setup.index);
        let mut jitter = Xoshiro256PlusPlus::seed_from_u64(lots.number(Matter::Jitter, "", 0));
        let next_poll_ms = jitter.random_range(0..=setup.first_poll_within_ms);
        Self {
            behaviour,
            lots,
            jitter,
            running: setup.version.clone(),
            other_slot: None,
            installations: BTreeMap::new(),
            job: Job::Idle,
            ended: None,
            outbox: Outbox::new(setup.record),
            follow_ups: VecDeque::new(),
            awaited: None,
            next_poll_ms,
            retry_at_ms: 0,
            setbacks: 0,
            brought_online: false,
            counters: DeviceCounters::default(),
            setup,
        }
    }

    /// What to do at `now_ms`. Asked again before an answer, it counts the outstanding request as lost.
    pub fn next(&mut self, now_ms: u64) -> Step {
        self.awaited = None;
        if self.is_offline() {
            return Step::Park;
        }
        self.elapse(now_ms);
        if matches!(self.job, Job::Silent) {
            return Step::Park;
        }
        if let Job::Rebooting { until_ms, .. } = &self.job {
            return wait_until(*until_ms, now_ms);
        }
        if self.retry_at_ms > now_ms {
            let wake = self
                .job
                .until_ms()
                .map_or(self.retry_at_ms, |until| until.min(self.retry_at_ms));
            return wait_until(wake, now_ms);
        }
        match self.due_request(now_ms) {
            Some((awaited, request)) => {
                self.awaited = Some(awaited);
                Step::Request(request)
            }
            None => {
                let wakes = [self.job.until_ms(), self.outbox.next_due_ms()];
                let wake = wakes
                    .into_iter()
                    .flatten()
                    .fold(self.next_poll_ms, u64::min);
                wait_until(wake, now_ms)
            }
        }
    }

    /// Takes the answer to the last request; one that was not asked for is ignored.
    pub fn answer(&mut self, answer: Answer, now_ms: u64) {
        if let Some(awaited) = self.awaited.take() {
            self.settle(awaited, answer, now_ms);
        }
    }

    /// Behaves differently from now on. What has been decided stays.
    pub fn set_behaviour(&mut self, behaviour: Arc<Behaviour>) {
        self.behaviour = behaviour;
    }

    /// Makes an offline device talk, for good. False if it was not offline.
    pub fn bring_online(&mut self) -> bool {
        let offline = self.is_offline();
        self.brought_online |= offline;
        offline
    }

    /// Name towards the server.
    pub fn id(&self) -> &str {
        &self.setup.id
    }

    /// The version it runs.
    pub fn version(&self) -> &str {
        &self.running
    }

    /// The version in the slot that does not run.
    pub fn other_slot(&self) -> Option<&str> {
        self.other_slot.as_deref()
    }

    /// What it is busy with.
    pub fn phase(&self) -> Phase {
        if self.is_offline() && !matches!(self.job, Job::Silent) {
            return Phase::Offline;
        }
        match &self.job {
            Job::Silent => Phase::Silent,
            Job::Idle => Phase::Idle,
            Job::Downloading { .. } => Phase::Downloading,
            Job::Installing { .. } => Phase::Installing,
            Job::Staged { .. } => Phase::Staged,
            Job::Installed { .. } | Job::Rebooting { .. } => Phase::Rebooting,
        }
    }

    /// What happened so far.
    pub fn counters(&self) -> DeviceCounters {
        self.counters
    }

    /// Reports not yet acknowledged.
    pub fn unsent(&self) -> usize {
        self.outbox.len()
    }

    /// Acknowledged reports in the order of their acknowledgement; empty unless recorded.
    pub fn acknowledged(&self) -> &[AcknowledgedReport] {
        self.outbox.acknowledged.as_deref().unwrap_or_default()
    }

    /// The newest reports that were refused for good.
    pub fn dropped(&self) -> impl Iterator<Item = &DroppedReport> {
        self.outbox.dropped.iter()
    }

    fn is_offline(&self) -> bool {
        !self.brought_online && self.lots.draw(Matter::Offline, "", 0) < self.behaviour.offline
    }

    /// Reports go first, then what the last poll asked for, then polls, so that a failing download never hides a cancellation.
    fn due_request(&self, now_ms: u64) -> Option<(Awaited, Request)> {
        if let Some(report) = self.outbox.due(now_ms) {
            let (action, body) = (report.action, report.body());
            let request = if report.kind.answers_cancel() {
                Request::CancelFeedback { action, body }
            } else {
                Request::Feedback { action, body }
            };
            return Some((Awaited::Report(report.number), request));
        }
        if let Some(follow_up) = self.follow_ups.front() {
            return Some(match follow_up.clone() {
                FollowUp::ConfigData(url) => (
                    Awaited::ConfigData,
                    Request::ConfigData {
                        url,
                        body: self.config_data(),
                    },
                ),
                FollowUp::Deployment(url) => (Awaited::Deployment, Request::DeploymentBase { url }),
                FollowUp::Cancel(url) => (Awaited::Cancel, Request::CancelAction { url }),
            });
        }
        if self.next_poll_ms <= now_ms {
            return Some((Awaited::Poll, Request::Poll));
        }
        let whole = self.behaviour.download == DownloadMode::Full;
        let file = self.job.wanted_file()?;
        Some((
            Awaited::Download,
            Request::Download {
                url: file.url.clone(),
                whole,
            },
        ))
    }

    fn config_data(&self) -> ConfigData {
        let mut data = self.setup.attributes.clone();
        data.insert("model".to_owned(), self.setup.model.clone());
        data.insert("hw_revision".to_owned(), self.setup.hw_revision.clone());
        data.insert("sw_version".to_owned(), self.running.clone());
        ConfigData {
            mode: ConfigMode::Merge,
            data,
        }
    }
}

fn wait_until(wake_ms: u64, now_ms: u64) -> Step {
    Step::Wait(wake_ms.saturating_sub(now_ms).max(1))
}
