//! The server: configuration.

pub mod config;
