//! A device inside an execution: its status, and what a report changes.

mod report;
mod status;

pub use report::{ActionState, AttemptKind, Change, FailureKind, Report, Standing};
pub use status::{DeviceStatus, UnknownStatus};
