//! The server from outside: a whole one in process, REST and device requests over loopback.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod api;
mod ddi;
mod pace;
mod rollout;
mod support;
