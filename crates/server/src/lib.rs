//! The server: everything of Fleetward that touches the world.
//!
//! Two ways through it, both one-way streets. A device's report: [`devices`] translates it, [`ingest`]
//! stores it with its neighbours, the device is answered, [`driver`] is woken. A decision: [`driver`]
//! loads an execution, the engine in `fleetward_core` decides, state and effects are stored together,
//! and [`roster`] and [`outbox`] follow.

pub mod api;
pub mod app;
pub mod auth;
pub mod blobs;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod devices;
pub mod driver;
pub mod ingest;
pub mod outbox;
pub mod roster;
mod serve;

pub use api::openapi_json;
pub use serve::{ServeOptions, Server, StartError, start};
