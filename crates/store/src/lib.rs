//! Durable state: every table, every query and nothing else.
//!
//! Synchronous inside, async at its edge: a closure gets a [`Tx`] and runs on the store's own
//! threads; when [`Store::write`] returns, what the closure wrote is on the disk. Queries are written
//! once, with `$1` placeholders, and grouped by table; what differs between engines is in `dialect`.

pub mod actions;
pub mod assignments;
pub mod audit;
pub mod devices;
pub mod effects;
pub mod executions;
pub mod firmware;
pub mod idempotency;
pub mod keys;
pub mod outbox;
pub mod page;
pub mod plans;
pub mod reports;
pub mod tallies;

mod dialect;
mod error;
mod migrate;
mod params;
mod sqlite;
mod store;
mod tx;

pub use error::StoreError;
pub use params::Param;
pub use store::Store;
pub use tx::{Row, Tx};
