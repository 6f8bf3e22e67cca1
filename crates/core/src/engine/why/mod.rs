//! Why it does not go on, and why a device is not updated: one typed answer for every case, with what
//! would change it.

mod device;
mod device_text;
mod execution;
mod not_targeted;
#[cfg(test)]
mod tests;

pub use device::{DeviceFacts, WhyDevice};
pub use execution::Why;
pub use not_targeted::NotTargeted;
