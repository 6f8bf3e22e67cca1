//! The words and the decisions of Fleetward: devices, plans, waves, judging and the rollout engine.
//!
//! Nothing here reads a clock, rolls dice or touches the world. Time comes in as an argument, effects
//! go out as data, and the shell around this crate carries them out. **The contract of the engine:
//! call [`engine::Rollout::handle`] with the whole stored truth, store what changed, carry out the
//! effects, and call again until a step is empty; then sleep until
//! [`engine::Rollout::next_wakeup`].** A call too many changes nothing.

pub mod calendar;
pub mod device;
pub mod engine;
pub mod firmware;
pub mod ids;
pub mod judge;
pub mod percent;
pub mod plan;
pub mod preview;
pub mod rehearsal;
pub mod seconds;
pub mod selection;
pub mod version;

pub use jiff::Timestamp;
