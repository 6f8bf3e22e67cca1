//! Lists come in pages: a cursor is the place after the last row that was shown.

/// Which part of a list to read.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Rows after this key; from the beginning when absent.
    pub after: Option<i64>,
    /// Most rows.
    pub limit: u32,
}

/// One part of a list.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next part begins, when there is one.
    pub next: Option<i64>,
}

impl<T> Paged<T> {
    /// Cuts off the one row too many that was read to see whether there are more.
    pub(crate) fn cut(mut keyed: Vec<(i64, T)>, limit: u32) -> Self {
        let more = keyed.len() > limit as usize;
        keyed.truncate(limit as usize);
        let next = keyed.last().filter(|_| more).map(|(key, _)| *key);
        Self {
            rows: keyed.into_iter().map(|(_, row)| row).collect(),
            next,
        }
    }
}
