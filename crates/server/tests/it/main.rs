//! The server from outside: a whole one in process, REST and device requests over loopback.

mod rollout;
mod support;
