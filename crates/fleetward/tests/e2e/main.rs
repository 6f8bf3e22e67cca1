//! End to end: the real binary as a process of its own, devices over the network, and the programs that people use with
//! it. What the command line says without a server is tested elsewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod kill;
mod seed_lines;
mod support;
mod swupdate;
