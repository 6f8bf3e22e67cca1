//! Judging a rollout by what its devices did. One file per rule.

mod degradation;
mod evidence;
mod exact;
mod failure_rate;
mod gate;
mod interval;
mod posterior;
mod power;
mod sequential;
mod shift;
mod special;

pub use degradation::{Change, Concern, Degradation, Worse};
pub use evidence::Mixture;
pub use exact::{Counts, Issues, fisher, issues_by_accident, issues_stand_out};
pub use failure_rate::{Limits, Numbers, Verdict, judge};
pub use gate::{gate, in_doubt};
pub use interval::{Interval, wilson_lower, wilson_upper};
pub use posterior::{Belief, chance_worse};
pub use power::{
    FixedSample, WavePower, chance_to_show, clean_devices_to_show, detectable, devices_to_tell,
};
pub use sequential::{Boundary, BoundaryRow, BoundaryTable, Score};
pub use shift::{Shift, outer_rank};
