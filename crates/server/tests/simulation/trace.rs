//! What happened, step by step: the last of it for people, and a digest of all of it.

use std::collections::VecDeque;
use std::fmt::Write as _;

use fleetward_store::inspect::Change;

const KEPT: usize = 80;

/// What happened.
pub(crate) struct Trace {
    lines: VecDeque<String>,
    digest: u64,
    pub(crate) steps: u64,
    text: String,
    keep: bool,
}

impl Trace {
    pub(crate) fn new(keep: bool) -> Self {
        Self {
            lines: VecDeque::new(),
            digest: 0xCBF2_9CE4_8422_2325,
            steps: 0,
            text: String::new(),
            keep,
        }
    }

    pub(crate) fn step(&mut self, at: i64, what: std::fmt::Arguments<'_>) {
        self.steps += 1;
        self.text.clear();
        let seconds = at as f64 / 1000.0;
        let _ = write!(self.text, "{seconds:>12.3}  {what}");
        let text = std::mem::take(&mut self.text);
        self.mix(text.as_bytes());
        if self.keep {
            if self.lines.len() == KEPT && std::env::var("FLEETWARD_TRACE").is_err() {
                self.lines.pop_front();
            }
            self.lines.push_back(text);
        } else {
            self.text = text;
        }
    }

    /// Adds what a transaction changed, without what is different in every run.
    pub(crate) fn changed(&mut self, changes: &[Change]) {
        for change in changes {
            self.text.clear();
            let _ = match change {
                Change::Execution(row) => write!(
                    self.text,
                    "e {} {} {:?} {}",
                    row.execution_key, row.state, row.finished_at, row.offers
                ),
                Change::Assignment(row) => write!(
                    self.text,
                    "a {} {} {} {} {:?} {:?} {:?}",
                    row.execution_key,
                    row.device_key,
                    row.status,
                    row.class,
                    row.failure,
                    row.deadline,
                    row.retry_at
                ),
                Change::Action(row) => write!(
                    self.text,
                    "o {} {:?} {} {:?}",
                    row.action_id, row.state, row.opened_at, row.closed_at
                ),
                Change::Decision(row) => {
                    write!(
                        self.text,
                        "d {} {} {} {}",
                        row.execution_key, row.number, row.at, row.body
                    )
                }
                Change::Audit(row) => {
                    write!(self.text, "w {} {} {}", row.number, row.at, row.action)
                }
                Change::Device(row) => {
                    write!(
                        self.text,
                        "v {} {} {}",
                        row.device_key, row.environment, row.version
                    )
                }
                Change::Message(row) => write!(self.text, "m {} {}", row.action_id, row.report),
                Change::Lease(row) => write!(self.text, "l {} {}", row.execution_key, row.epoch),
                Change::Outbox(row) => write!(self.text, "t {} {:?}", row.number, row.delivered_at),
                Change::Freeze(row) => {
                    write!(self.text, "f {} {:?}", row.freeze_key, row.lifted_at)
                }
                Change::Tally(row) => write!(self.text, "n {} {}", row.wave, row.devices),
                Change::Kept(_) | Change::Domain(_) => Ok(()),
            };
            let text = std::mem::take(&mut self.text);
            self.mix(text.as_bytes());
            if self.keep && std::env::var("FLEETWARD_TRACE").is_ok() {
                self.lines.push_back(format!("                {text}"));
            }
            self.text = text;
        }
    }

    /// FNV-1a.
    fn mix(&mut self, bytes: &[u8]) {
        let mut digest = self.digest;
        for byte in bytes {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.digest = digest;
    }

    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }

    /// The last steps.
    pub(crate) fn tail(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}
