//! The commands: a file or folder for each noun, whose doc comments are the help.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod device;
pub(crate) mod env;
pub(crate) mod firmware;
pub(crate) mod freeze;
pub(crate) mod key;
pub(crate) mod listing;
pub(crate) mod openapi;
pub(crate) mod plan;
pub(crate) mod serve;
pub(crate) mod why;
