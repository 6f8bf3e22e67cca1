//! Device protocols. Each translates what devices say into the same reports, and what is open for them
//! into its own words.

pub mod arrivals;
pub mod ddi;
