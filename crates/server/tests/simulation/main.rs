//! The server in simulated histories: real use cases, driver, intake, roster and database; simulated
//! devices, people, clock and troubles. All of a history follows from its seed.
//!
//! `FLEETWARD_SEED=123` runs one history and shows its last steps, `FLEETWARD_SEEDS=1000000` that many.

#![expect(
    clippy::explicit_auto_deref,
    reason = "without it the type of a choice among texts is not found"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else goes wrong is told in its own words"
)]

mod chance;
mod checks;
mod device;
mod engine_room;
mod mirror;
mod network;
mod office;
mod people;
mod process;
mod scenario;
mod seeds;
mod simulation;
mod time;
mod trace;
mod violation;
