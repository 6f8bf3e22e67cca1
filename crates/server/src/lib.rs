//! The server: everything of Fleetward that touches the world.

pub mod api;
pub mod clock;
pub mod config;
mod serve;

pub use serve::{ServeOptions, Server, StartError, start};
