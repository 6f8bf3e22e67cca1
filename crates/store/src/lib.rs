//! Durable state: every table, every query and nothing else.
//!
//! Synchronous inside, async at its edge: a closure gets a [`Tx`] and runs on the store's own
//! threads; when [`Store::write`] returns, what the closure wrote is on the disk. A store in memory has
//! no threads: its closures run where they are called. Queries are written once, with `$1` placeholders, and grouped by table; what differs between engines is in `dialect`.

pub mod actions;
pub mod approvals;
pub mod assignments;
pub mod audit;
pub mod comers;
pub mod devices;
pub mod effects;
pub mod executions;
pub mod firmware;
pub mod freezes;
pub mod idempotency;
pub mod keys;
pub mod leases;
pub mod outbox;
pub mod page;
pub mod parts;
pub mod plans;
pub mod queue;
pub mod reports;
pub mod spread;
pub mod tallies;

mod dialect;
mod error;
#[cfg(any(test, feature = "fault"))]
mod fault;
#[cfg(not(any(test, feature = "fault")))]
mod faultless;
#[cfg(any(test, feature = "fault"))]
pub mod inspect;
mod migrate;
mod params;
#[cfg(test)]
mod query_plans;
mod sqlite;
mod store;
mod tx;

pub use error::StoreError;
#[cfg(any(test, feature = "fault"))]
pub use fault::Faults;
#[cfg(not(any(test, feature = "fault")))]
pub(crate) use faultless::Faults;
pub use params::Param;
pub use store::Store;
pub use tx::{Row, Tx};
