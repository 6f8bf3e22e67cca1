//! Whose turn it is: one heap of due times, and a bounded number of turns at once. Not in here: what a device does in its turn.

use super::Members;
use crate::device::Step;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Device time, which runs `scale` times as fast as real time.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    scale: f64,
}

impl Clock {
    pub(super) fn start(scale: f64) -> Self {
        Self {
            started: Instant::now(),
            scale,
        }
    }

    fn now_ms(&self) -> u64 {
        (self.started.elapsed().as_secs_f64() * 1_000.0 * self.scale) as u64
    }

    /// The moment that is `wait_ms` of device time ahead, at most a day.
    fn after(&self, wait_ms: u64) -> Instant {
        const DAY: f64 = 86_400.0;
        let seconds = (wait_ms as f64 / 1_000.0 / self.scale).min(DAY);
        Instant::now() + Duration::from_secs_f64(seconds)
    }
}

/// How a device's turn ended.
struct Turn {
    index: usize,
    /// The members' wakes as they were before the device last decided.
    wakes: u64,
    /// When its next turn is due; none if it is parked.
    due: Option<Instant>,
}

/// Gives every device its turns until `stop` is cancelled.
pub(super) async fn run(members: Arc<Members>, concurrency: usize, stop: CancellationToken) {
    let now = Instant::now();
    let mut due: BinaryHeap<_> = (0..members.len())
        .map(|index| Reverse((now, index)))
        .collect();
    let mut parked = Vec::new();
    let mut turns = JoinSet::new();
    loop {
        while turns.len() < concurrency
            && let Some(index) = pop_due(&mut due)
        {
            turns.spawn(take_turn(Arc::clone(&members), index));
        }
        let next = due
            .peek()
            .filter(|_| turns.len() < concurrency)
            .map(|Reverse((at, _index))| *at);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(turn) = turns.join_next() => {
                let turn = finished(turn);
                match turn.due {
                    Some(at) => due.push(Reverse((at, turn.index))),
                    None if turn.wakes != members.wakes() => due.push(Reverse((Instant::now(), turn.index))),
                    None => parked.push(turn.index),
                }
            }
            () = members.woken.notified() => {
                let now = Instant::now();
                due.extend(parked.drain(..).map(|index| Reverse((now, index))));
            }
            () = sleep_until(next) => {}
        }
    }
    turns.shutdown().await;
}

/// Lets a device send requests until it has to wait.
async fn take_turn(members: Arc<Members>, index: usize) -> Turn {
    loop {
        let wakes = members.wakes();
        let step = members.device(index).next(members.clock.now_ms());
        match step {
            Step::Request(request) => {
                let answer = members
                    .client
                    .perform(&members.lines[index], &request)
                    .await;
                members.device(index).answer(answer, members.clock.now_ms());
            }
            Step::Wait(wait_ms) => {
                return Turn {
                    index,
                    wakes,
                    due: Some(members.clock.after(wait_ms)),
                };
            }
            Step::Park => {
                return Turn {
                    index,
                    wakes,
                    due: None,
                };
            }
        }
    }
}

fn pop_due(due: &mut BinaryHeap<Reverse<(Instant, usize)>>) -> Option<usize> {
    let Reverse((at, _index)) = due.peek()?;
    if *at > Instant::now() {
        return None;
    }
    due.pop().map(|Reverse((_at, index))| index)
}

fn finished(turn: Result<Turn, JoinError>) -> Turn {
    match turn {
        Ok(turn) => turn,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
