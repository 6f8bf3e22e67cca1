//! One wave: what became of it, and its numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Census, Rollout};
use crate::Timestamp;
use crate::device::FailureKind;
use crate::ids::WaveIndex;
use crate::judge::{Numbers, Verdict};

/// One wave and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Its devices.
    pub size: u64,
    /// Its devices fill a slot first and switch later.
    pub staged: bool,
    /// When it was opened.
    pub released_at: Option<Timestamp>,
    /// When its devices were told to switch.
    pub switched_at: Option<Timestamp>,
    /// When its last device was through.
    pub settled_at: Option<Timestamp>,
    /// What was found.
    pub verdict: Option<Verdict>,
    /// It counts as good though it could not be judged: a person said so, or a later wave passed.
    #[serde(default)]
    pub accepted: bool,
    /// Failures that an operator accepted.
    pub accepted_failures: u64,
    /// The same by kind of failure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accepted_kinds: BTreeMap<FailureKind, u64>,
}

impl Wave {
    pub(super) const fn new(size: u64, staged: bool) -> Self {
        Self {
            size,
            staged,
            released_at: None,
            switched_at: None,
            settled_at: None,
            verdict: None,
            accepted: false,
            accepted_failures: 0,
            accepted_kinds: BTreeMap::new(),
        }
    }

    /// Whether it was found good, or is accepted as it is.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        match self.verdict {
            Some(Verdict::Pass) => true,
            Some(Verdict::Inconclusive) => self.accepted,
            Some(Verdict::Fail) | None => false,
        }
    }
}

impl Rollout {
    /// The numbers of a wave: of its slots until the switch, of its updates afterwards.
    #[must_use]
    pub fn numbers(&self, wave: WaveIndex, census: &Census) -> Numbers {
        let this = &self.waves[wave.position()];
        let tally = &census.waves[wave.position()];
        if this.staged && this.switched_at.is_none() {
            tally.staged(this.accepted_failures)
        } else {
            tally.deployed(this.size, this.accepted_failures)
        }
    }
}
