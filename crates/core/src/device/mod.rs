//! A device inside an execution: its status, and what a report changes.

mod class;
mod failure;
mod report;
mod status;

pub use class::{Class, UnknownClass};
pub use failure::FailureKind;
pub use report::{ActionState, AttemptKind, Change, Report, Standing};
pub use status::{DeviceStatus, UnknownStatus};
