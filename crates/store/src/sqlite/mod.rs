//! SQLite: one thread that writes, a few that read; or, in memory, no threads at all.

mod connection;
mod inline;
mod readers;
mod writer;

pub(crate) use connection::Files;
pub(crate) use inline::Inline;
pub(crate) use readers::Readers;
pub(crate) use writer::Writer;
