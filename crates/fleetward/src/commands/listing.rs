//! What all commands that list something have: a limit, and the same way to say that there is nothing or more.

use clap::Args;
use serde::Serialize;

use crate::client::Rows;
use crate::error::CliError;
use crate::output::Output;
use crate::page::Page;

/// How much of a list is wanted.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Limit {
    /// Most rows to show; 0 shows all
    #[arg(long, default_value_t = 100, value_name = "ROWS")]
    limit: usize,
}

impl Limit {
    /// Everything.
    pub(crate) const ALL: Self = Self { limit: 0 };

    /// The most rows to read.
    pub(crate) const fn most(self) -> usize {
        if self.limit == 0 {
            usize::MAX
        } else {
            self.limit
        }
    }
}

/// Shows rows: as a list to programs; as a table to people, or as `teach` where there is none.
pub(crate) fn show<T: Serialize>(
    output: &Output,
    rows: &Rows<T>,
    header: &[&str],
    row: impl Fn(&T) -> Vec<String>,
    teach: &str,
) -> Result<(), CliError> {
    output.show(&rows.items, |page: &mut Page| {
        if rows.items.is_empty() {
            page.line(teach);
        } else {
            page.table(header, rows.items.iter().map(row));
        }
    })?;
    if rows.more {
        output.note("note: there are more; --limit 0 shows all");
    }
    Ok(())
}
