//! What is checked. Each file has promises of one kind.

pub(crate) mod counts;
pub(crate) mod decisions;
pub(crate) mod ends;
pub(crate) mod limits;
pub(crate) mod offers;
pub(crate) mod rest;
