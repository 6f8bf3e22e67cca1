//! The REST API: HTTP in, use cases called, JSON and problem documents out.

mod audit;
mod deployments;
mod devices;
mod environments;
mod error;
mod events;
mod extract;
mod firmware;
mod freezes;
mod keys;
mod paging;
mod plans;
mod preview;
mod probes;
mod reports;
mod router;
pub mod types;
mod why;

pub use error::{Problem, ProblemField};
pub use router::{openapi_json, router};
