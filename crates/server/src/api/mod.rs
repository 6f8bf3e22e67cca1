//! The REST API: HTTP in, use cases called, JSON and problem documents out.

pub mod types;
