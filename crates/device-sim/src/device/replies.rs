//! What an answer changes in a device: polls, offers, cancellations, acknowledgements, and trying again. Not in here: HTTP.

use super::job::{Job, Order};
use super::outbox::ReportKind;
use super::{Answer, Awaited, Device, Ended, FollowUp};
use crate::chance::Matter;
use crate::wire::{ActionId, BasePoll, DeploymentBase};
use rand::RngExt;
use std::mem;

/// First and longest pause before a request is tried again, in milliseconds.
const RETRY_MS: (u64, u64) = (1_000, 60_000);

/// What a device thinks of a cancellation.
enum Stance {
    Accept,
    Refuse,
    TooLate,
}

/// Where to go on when an answer is no success.
enum Trouble {
    /// Try again later.
    Passing,
    /// It is no use: the HTTP status.
    Lasting(u16),
}

impl Device {
    pub(super) fn settle(&mut self, awaited: Awaited, answer: Answer, now_ms: u64) {
        match (awaited, answer) {
            (Awaited::Poll, Answer::Poll(poll)) => self.polled(poll, now_ms),
            (Awaited::ConfigData, Answer::Accepted) => self.followed(),
            (Awaited::Deployment, Answer::Deployment(offer)) => {
                self.followed();
                self.offered(offer, now_ms);
            }
            (Awaited::Cancel, Answer::Cancel(cancel)) => {
                self.followed();
                self.cancelled(cancel.stop, now_ms);
            }
            (Awaited::Download, Answer::Downloaded { size, sha256 }) => {
                self.setbacks = 0;
                self.receive(size, sha256.as_deref(), now_ms);
            }
            (Awaited::Report(number), Answer::Accepted) => self.acknowledged_at(number, now_ms),
            (awaited, answer) => match trouble_in(&answer) {
                Trouble::Passing => self.try_again(awaited, &answer, now_ms),
                Trouble::Lasting(status) => self.give_up(awaited, status, now_ms),
            },
        }
    }

    fn polled(&mut self, poll: BasePoll, now_ms: u64) {
        self.setbacks = 0;
        self.counters.polls += 1;
        self.next_poll_ms = now_ms
            + poll
                .config
                .polling
                .sleep_ms
                .max(self.setup.min_poll_ms)
                .max(1);
        let links = poll.links;
        self.follow_ups.clear();
        self.follow_ups.extend(
            links
                .config_data
                .map(|link| FollowUp::ConfigData(link.href)),
        );
        if let Some(cancel) = links.cancel_action {
            self.follow_ups.push_back(FollowUp::Cancel(cancel.href));
            return;
        }
        match (links.deployment_base, &self.job) {
            (Some(link), Job::Idle | Job::Staged { .. }) => {
                self.follow_ups.push_back(FollowUp::Deployment(link.href));
            }
            (None, Job::Staged { .. }) => self.job = Job::Idle,
            (Some(_) | None, _) => {}
        }
    }

    fn followed(&mut self) {
        self.setbacks = 0;
        self.follow_ups.pop_front();
    }

    fn offered(&mut self, offer: DeploymentBase, now_ms: u64) {
        let action = offer.id;
        let order = match Order::read(offer) {
            Ok(order) => order,
            Err(reason) => {
                return self.fail(
                    action,
                    format!("the update can't be used: {reason}"),
                    now_ms,
                );
            }
        };
        match mem::replace(&mut self.job, Job::Idle) {
            Job::Staged {
                order: held,
                written,
            } if held.action == action => {
                self.resume_staged(order, written, now_ms);
            }
            Job::Idle | Job::Staged { .. } => self.take(order, now_ms),
            busy @ (Job::Downloading { .. }
            | Job::Installing { .. }
            | Job::Installed { .. }
            | Job::Rebooting { .. }
            | Job::Silent) => self.job = busy,
        }
    }

    fn cancelled(&mut self, action: ActionId, now_ms: u64) {
        let (kind, details) = match self.stance_on_cancel(action) {
            Stance::Accept => (ReportKind::CancelAccepted, "cancelled"),
            Stance::Refuse => (
                ReportKind::CancelRefused,
                "the update is under way and goes on",
            ),
            Stance::TooLate => (ReportKind::CancelTooLate, "the update is installed already"),
        };
        if kind == ReportKind::CancelAccepted {
            self.counters.cancels_accepted += 1;
            if self.job.action() == Some(action) {
                self.job = Job::Idle;
            }
        } else {
            self.counters.cancels_refused += 1;
        }
        self.outbox.push(action, kind, details.to_owned(), now_ms);
    }

    /// An action the device knows nothing of can be cancelled without harm.
    fn stance_on_cancel(&self, action: ActionId) -> Stance {
        if self.job.action() == Some(action) {
            let lot = self.lots.draw(Matter::Cancel, &action.to_string(), 0);
            let beyond_return = matches!(self.job, Job::Installed { .. });
            let refuses = beyond_return || lot < self.behaviour.refuse_cancel;
            return if refuses {
                Stance::Refuse
            } else {
                Stance::Accept
            };
        }
        let installed =
            |ended: &Ended| ended.action == action && ended.kind == ReportKind::Succeeded;
        if self.ended.as_ref().is_some_and(installed) {
            Stance::TooLate
        } else {
            Stance::Accept
        }
    }

    /// After the end of an action a device asks at once what is next; not after skipping one, which may be offered for long.
    fn acknowledged_at(&mut self, number: u64, now_ms: u64) {
        self.setbacks = 0;
        self.counters.acknowledged += 1;
        let kind = self.outbox.acknowledge(number);
        let asks_on = [
            ReportKind::Succeeded,
            ReportKind::Failed,
            ReportKind::CancelAccepted,
        ];
        if kind.is_some_and(|kind| asks_on.contains(&kind)) {
            self.next_poll_ms = self
                .next_poll_ms
                .min(now_ms + self.setup.min_poll_ms.max(1));
        }
    }

    /// Links are not followed again: a fresh poll tells whether they still hold.
    fn try_again(&mut self, awaited: Awaited, answer: &Answer, now_ms: u64) {
        self.counters.retries += 1;
        self.counters.garbled += u64::from(matches!(answer, Answer::Garbled));
        self.setbacks = self.setbacks.saturating_add(1);
        let (first, longest) = RETRY_MS;
        let pause = first
            .saturating_mul(1 << (self.setbacks - 1).min(16))
            .min(longest);
        let jittered = (pause as f64 * self.jitter.random_range(0.5..=1.0)) as u64;
        self.retry_at_ms = now_ms + jittered.max(self.setup.min_poll_ms);
        match awaited {
            Awaited::Poll | Awaited::ConfigData | Awaited::Deployment | Awaited::Cancel => {
                self.follow_ups.clear();
                self.next_poll_ms = self.retry_at_ms;
            }
            Awaited::Download => self.next_poll_ms = self.next_poll_ms.min(self.retry_at_ms),
            Awaited::Report(_) => {}
        }
    }

    fn give_up(&mut self, awaited: Awaited, status: u16, now_ms: u64) {
        self.setbacks = 0;
        match awaited {
            Awaited::Poll => self.next_poll_ms = now_ms + RETRY_MS.1.max(self.setup.min_poll_ms),
            Awaited::ConfigData | Awaited::Deployment | Awaited::Cancel => self.followed(),
            Awaited::Download => {
                if let Some(action) = self.job.action() {
                    self.fail(
                        action,
                        format!("the download was refused with status {status}"),
                        now_ms,
                    );
                }
            }
            Awaited::Report(number) => {
                self.counters.dropped += 1;
                self.outbox.refuse(number, status);
            }
        }
    }
}

/// Servers that are down, overloaded or don't know the device yet get better; other refusals don't.
fn trouble_in(answer: &Answer) -> Trouble {
    match answer {
        Answer::Refused(401 | 409 | 429 | 500..=599) | Answer::Unreachable | Answer::Garbled => {
            Trouble::Passing
        }
        Answer::Refused(status) => Trouble::Lasting(*status),
        Answer::Poll(_)
        | Answer::Deployment(_)
        | Answer::Cancel(_)
        | Answer::Accepted
        | Answer::Downloaded { .. } => Trouble::Passing,
    }
}
