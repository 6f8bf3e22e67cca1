//! Judging a rollout by what its devices did. One file per rule.

mod failure_rate;

pub use failure_rate::{Limits, Numbers, Verdict, judge};
