//! What effects, reports and comers do to rows, counts and attempts, who may start, and what becomes of
//! an older database.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod comers;
mod fleet;
mod migration;
mod model;
mod offers;
mod queue;
mod random;
mod retries;
mod stones;
mod way_back;
