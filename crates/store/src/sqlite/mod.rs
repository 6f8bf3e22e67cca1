//! SQLite: one thread that writes, a few that read.

mod connection;
mod readers;
mod writer;

pub(crate) use connection::Files;
pub(crate) use readers::Readers;
pub(crate) use writer::Writer;
