//! The sequential gate: rolls back or passes as soon as the evidence is good enough, looked at after
//! every device if one likes, and decided in integers.
//!
//! It is Wald's sequential probability ratio test (A. Wald, "Sequential Tests of Statistical
//! Hypotheses", Annals of Mathematical Statistics 16, 1945) between a fine failure rate, half of the
//! limit, and a bad one, twice the limit. Every failure adds to a score, every success takes a little
//! away; the upper line rolls back, the lower line passes. By Ville's inequality (J. Ville, "Étude
//! critique de la notion de collectif", 1939) a fine firmware reaches the upper line, and a bad one the
//! lower line, with a chance of 5 % at most, however often and whenever one looks.
//!
//! The two weights and the two lines are rounded to integers once, when a plan is approved, and kept
//! with the plan. From then on a decision is an integer comparison, so that replicas and replays can't
//! disagree. Tables of whole numbers ("3 failures in the first 17") would decide exactly alike, but grow
//! with the fleet; four weights don't, and the tables are derived from them for people to read.
//!
//! What is not here: which devices count as failed, how many may be unresolved, and what happens when
//! a wave ends with no line reached.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::percent::Percent;

/// Units of a score in one natural logarithm. Rounding hides the last digits of the machine's
/// logarithm, every weight stays exact in JSON, and a billion devices gather an error below 0.001.
const SCALE: f64 = 1e12;

/// Largest chance that a firmware with half of the limit's failures is rolled back.
const FALSE_ROLLBACK: f64 = 0.05;

/// Largest chance that a firmware with twice the limit's failures passes.
const MISSED: f64 = 0.05;

/// Most rows of a table.
const MOST_ROWS: usize = 64;

/// The lines and weights of the sequential test, fixed when a plan is approved and stored with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// What the rest was made from.
    max_failure_rate: Percent,
    /// What a failure adds to the score.
    failure: NonZeroU64,
    /// What a success takes from the score.
    success: NonZeroU64,
    /// The score that rolls back.
    rollback_line: NonZeroU64,
    /// How far below zero the score passes.
    pass_line: NonZeroU64,
}

/// How much the devices speak for bad (above zero) or for fine (below zero): the logarithm of how
/// much likelier they are under the bad rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(i128);

/// What so many failures mean, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundaryRow {
    /// Devices that failed.
    pub failures: u64,
    /// Rolls back while no more devices than this are through; never when absent.
    pub rolls_back_through: Option<u64>,
    /// Passes when at least so many devices are through.
    pub passes_from: u64,
}

/// The boundary as a table, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundaryTable {
    /// From no failure upwards, without gaps.
    pub rows: Vec<BoundaryRow>,
    /// Whether every larger number of failures rolls back at once; otherwise the table was cut short.
    pub complete: bool,
}

impl Boundary {
    /// The boundary for a limit.
    ///
    /// None when the limit is 0 %, because then the first failure decides, or is 50 % or more, because
    /// then no rate is twice as bad. The caller judges by the plain limit instead
    /// ([`judge`](super::judge)).
    #[must_use]
    pub fn new(max_failure_rate: Percent) -> Option<Self> {
        let limit = f64::from(max_failure_rate) / 100.0;
        let (fine, bad) = (limit / 2.0, limit * 2.0);
        if limit <= 0.0 || bad >= 1.0 {
            return None;
        }
        Some(Self {
            max_failure_rate,
            failure: units((bad / fine).ln())?,
            success: units((-fine).ln_1p() - (-bad).ln_1p())?,
            rollback_line: units(-FALSE_ROLLBACK.ln())?,
            pass_line: units(-MISSED.ln())?,
        })
    }

    /// The limit that this was made from.
    #[must_use]
    pub const fn max_failure_rate(&self) -> Percent {
        self.max_failure_rate
    }

    /// The score of so many failures among so many devices that are through.
    #[must_use]
    pub fn score(&self, failures: u64, devices: u64) -> Score {
        let successes = devices.saturating_sub(failures);
        Score(times(failures, self.failure).saturating_sub(times(successes, self.success)))
    }

    /// Fail or pass, or none while it is open. Without devices it is open.
    #[must_use]
    pub fn verdict(&self, failures: u64, devices: u64) -> Option<Verdict> {
        let Score(score) = self.score(failures, devices);
        if score >= wide(self.rollback_line) {
            Some(Verdict::Fail)
        } else if devices > 0 && score <= -wide(self.pass_line) {
            Some(Verdict::Pass)
        } else {
            None
        }
    }

    /// Whether no further device should get the update for now: the score is half-way to the rollback,
    /// or two or more devices failed and none succeeded. It lifts itself when successes come in.
    #[must_use]
    pub fn doubtful(&self, failures: u64, devices: u64) -> bool {
        let Score(score) = self.score(failures, devices);
        let none_succeeded = failures >= 2 && failures >= devices;
        none_succeeded || score.saturating_mul(2) >= wide(self.rollback_line)
    }

    /// With so many failures, rolls back while no more devices than this are through; none when so few
    /// failures never roll back.
    #[must_use]
    pub fn rolls_back_through(&self, failures: u64) -> Option<u64> {
        let over = times(failures, self.failure).saturating_sub(wide(self.rollback_line));
        let successes = (over >= 0).then(|| over / wide(self.success))?;
        Some(devices(failures, successes))
    }

    /// With so many failures, passes when at least so many devices are through.
    #[must_use]
    pub fn passes_from(&self, failures: u64) -> u64 {
        let missing = times(failures, self.failure).saturating_add(wide(self.pass_line));
        let success = wide(self.success);
        devices(
            failures,
            missing / success + i128::from(missing % success > 0),
        )
    }

    /// The fewest failures that can roll back, when they come first.
    #[must_use]
    pub const fn fewest_failures(&self) -> u64 {
        self.rollback_line.get().div_ceil(self.failure.get())
    }

    /// The boundary as a table for up to so many devices, cut after 64 rows.
    #[must_use]
    pub fn table(&self, max_devices: u64) -> BoundaryTable {
        let mut rows = Vec::new();
        let mut complete = false;
        for failures in (0..=max_devices).take(MOST_ROWS) {
            let row = BoundaryRow {
                failures,
                rolls_back_through: self.rolls_back_through(failures),
                passes_from: self.passes_from(failures),
            };
            rows.push(row);
            complete =
                failures == max_devices || row.rolls_back_through.is_some_and(|n| n >= max_devices);
            if complete {
                break;
            }
        }
        BoundaryTable { rows, complete }
    }
}

impl Score {
    /// In natural logarithms, for display; it never decides.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / SCALE
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredth = SCALE as u128 / 100;
        let hundredths = (self.0.unsigned_abs() + hundredth / 2) / hundredth;
        let sign = if self.0 < 0 && hundredths > 0 {
            "-"
        } else {
            ""
        };
        write!(f, "{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl fmt::Display for BoundaryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            failures,
            rolls_back_through,
            passes_from,
        } = self;
        let s = if *failures == 1 { "" } else { "s" };
        write!(f, "{failures} failure{s}: ")?;
        if let Some(n) = rolls_back_through {
            write!(f, "roll back in the first {n} devices, ")?;
        }
        write!(f, "pass from {passes_from} devices")
    }
}

fn units(logarithm: f64) -> Option<NonZeroU64> {
    NonZeroU64::new((logarithm * SCALE).round() as u64)
}

fn wide(weight: NonZeroU64) -> i128 {
    i128::from(weight.get())
}

fn times(count: u64, weight: NonZeroU64) -> i128 {
    i128::from(count).saturating_mul(wide(weight))
}

fn devices(failures: u64, successes: i128) -> u64 {
    failures.saturating_add(u64::try_from(successes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boundary(percent: f64) -> Boundary {
        Boundary::new(Percent::try_from(percent).unwrap()).unwrap()
    }

    #[test]
    fn a_limit_without_a_fine_and_a_bad_rate_has_no_boundary() {
        for percent in [0.0, 50.0, 75.0, 100.0] {
            assert_eq!(Boundary::new(Percent::try_from(percent).unwrap()), None);
        }
        for percent in [0.01, 0.25, 49.99] {
            let boundary = boundary(percent);
            assert_eq!(f64::from(boundary.max_failure_rate()), percent);
            assert_eq!(boundary.verdict(0, 0), None, "no data is never a pass");
            assert_eq!(boundary.fewest_failures(), 3);
        }
    }

    #[test]
    fn a_score_reads_with_two_decimals() {
        let score = |k, n| boundary(5.0).score(k, n).to_string();
        assert_eq!(score(0, 10), "-0.80");
        assert_eq!(score(3, 17), "3.04");
        assert_eq!(score(0, 0), "0.00");
        assert_eq!(Score(-4_999_999_999).to_string(), "0.00");
        assert_eq!(Score(-5_000_000_000).to_string(), "-0.01");
    }

    #[test]
    fn a_stored_boundary_is_the_same_boundary_and_broken_ones_are_refused() {
        let text = serde_json::to_string(&boundary(5.0)).unwrap();
        assert_eq!(
            text,
            r#"{"max_failure_rate":5,"failure":1386294361120,"success":80042707674,"rollback_line":2995732273554,"pass_line":2995732273554}"#
        );
        assert_eq!(
            serde_json::from_str::<Boundary>(&text).unwrap(),
            boundary(5.0)
        );
        let broken = text.replace("80042707674", "0");
        assert!(serde_json::from_str::<Boundary>(&broken).is_err());
    }

    #[test]
    fn doubt_comes_before_the_rollback_and_lifts() {
        let boundary = boundary(5.0);
        assert!(!boundary.doubtful(0, 0) && !boundary.doubtful(1, 1));
        assert!(boundary.doubtful(2, 2) && boundary.verdict(2, 2).is_none());
        assert!(boundary.doubtful(2, 17) && !boundary.doubtful(2, 18));
    }

    #[test]
    fn a_table_reads_as_sentences_and_stays_short() {
        let table = boundary(5.0).table(40);
        let lines: Vec<_> = table.rows.iter().map(BoundaryRow::to_string).collect();
        assert!(table.complete);
        assert_eq!(lines[1], "1 failure: pass from 56 devices");
        assert_eq!(
            lines[3],
            "3 failures: roll back in the first 17 devices, pass from 93 devices"
        );
        let million = boundary(5.0).table(1_000_000);
        assert_eq!((million.rows.len(), million.complete), (64, false));
    }

    #[test]
    fn a_billion_devices_are_scored_like_the_formula() {
        for (percent, k) in [(0.01, 70_000u32), (5.0, 54_000_000), (49.0, 900_000_000)] {
            let limit = percent / 100.0;
            let success = f64::ln((1.0 - limit * 2.0) / (1.0 - limit / 2.0));
            let wanted = f64::from(k) * 4f64.ln() + f64::from(1_000_000_000 - k) * success;
            let found = boundary(percent).score(u64::from(k), 1_000_000_000);
            assert!((found.as_f64() - wanted).abs() < 1e-3, "{percent} %");
        }
    }

    proptest! {
        #[test]
        fn verdicts_are_monotone(m in 1u32..5_000, n in 0u64..1_000_000_000, share in 0.0..1.0f64) {
            let boundary = boundary(f64::from(m) / 100.0);
            let k = (n as f64 * share) as u64;
            let rank = |k, n| match boundary.verdict(k, n) {
                Some(Verdict::Pass) => 0,
                None => 1,
                Some(Verdict::Fail) => 2,
                Some(Verdict::Inconclusive) => unreachable!(),
            };
            prop_assert!(rank(k, n) <= rank(k + 1, n + 1), "a failure never helps");
            prop_assert!(rank(k, n) >= rank(k, n + 1), "a success never harms");
            prop_assert!(k == n || rank(k, n) <= rank(k + 1, n), "nor a failure instead of a success");
            prop_assert!(rank(k, n) < 2 || boundary.doubtful(k, n), "no rollback without a doubt before");
        }

        #[test]
        fn tables_decide_like_scores(m in 1u32..5_000, k in 0u64..100_000_000) {
            let boundary = boundary(f64::from(m) / 100.0);
            let from = boundary.passes_from(k);
            prop_assert_eq!(boundary.verdict(k, from), Some(Verdict::Pass));
            prop_assert_ne!(boundary.verdict(k, from - 1), Some(Verdict::Pass));
            match boundary.rolls_back_through(k) {
                None => prop_assert_ne!(boundary.verdict(k, k), Some(Verdict::Fail)),
                Some(through) => {
                    prop_assert!(through >= k && through < from);
                    prop_assert_eq!(boundary.verdict(k, through), Some(Verdict::Fail));
                    prop_assert_ne!(boundary.verdict(k, through + 1), Some(Verdict::Fail));
                }
            }
            prop_assert_eq!(boundary.rolls_back_through(k).is_some(), k >= boundary.fewest_failures());
        }

        #[test]
        fn no_number_overflows(m in 1u32..5_000, k: u64, n: u64) {
            let boundary = boundary(f64::from(m) / 100.0);
            let _ = (boundary.verdict(k, n), boundary.doubtful(k, n), boundary.table(n));
            let _ = (boundary.score(k, n).to_string(), boundary.passes_from(k), boundary.rolls_back_through(k));
        }
    }
}
