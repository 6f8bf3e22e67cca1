//! One transaction, as queries see it.

use std::borrow::Cow;
use std::str::FromStr;

use fleetward_core::Timestamp;
use rusqlite::CachedStatement;
use serde::de::DeserializeOwned;

use crate::{Faults, Param, StoreError};

/// A transaction: reads see one state, writes happen together or not at all.
pub struct Tx<'a> {
    connection: &'a rusqlite::Connection,
    access: Access,
    faults: Option<&'a Faults>,
}

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// One row of an answer.
pub struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
}

impl<'a> Tx<'a> {
    pub(crate) const fn new(
        connection: &'a rusqlite::Connection,
        access: Access,
        faults: Option<&'a Faults>,
    ) -> Self {
        Self {
            connection,
            access,
            faults,
        }
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        let mut statement = self.statement(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(params))?)
    }

    pub(crate) fn query<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(map(&Row { row })?);
        }
        Ok(found)
    }

    /// Shows each row, keeping none.
    pub(crate) fn each(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut show: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            show(&Row { row })?;
        }
        Ok(())
    }

    pub(crate) fn query_opt<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        rows.next()?.map(|row| map(&Row { row })).transpose()
    }

    pub(crate) fn query_one<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.query_opt(sql, params, map)?
            .ok_or(StoreError::Database(rusqlite::Error::QueryReturnedNoRows))
    }

    /// Every statement comes through here on its way to the database.
    fn statement(&self, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
        if let Some(faults) = self.faults {
            faults.statement()?;
        }
        #[cfg(test)]
        crate::query_plans::note(self.connection, &numbered(sql));
        let statement = self.connection.prepare_cached(&numbered(sql))?;
        if self.access == Access::Read && !statement.readonly() {
            return Err(read_only());
        }
        Ok(statement)
    }
}

/// What a connection says that can only read.
fn read_only() -> StoreError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
    let text = "attempt to write a readonly database".to_owned();
    StoreError::Database(rusqlite::Error::SqliteFailure(code, Some(text)))
}

/// SQLite numbers `$1` by order of appearance; `?1` is what other engines mean by `$1`.
fn numbered(sql: &str) -> Cow<'_, str> {
    let bytes = sql.as_bytes();
    if !bytes
        .windows(2)
        .any(|pair| pair[0] == b'$' && pair[1].is_ascii_digit())
    {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        let digit = rest.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
        out.push_str(&rest[..at]);
        out.push(if digit { '?' } else { '$' });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

impl Row<'_> {
    pub(crate) fn int(&self, column: usize) -> Result<i64, StoreError> {
        Ok(self.row.get(column)?)
    }

    pub(crate) fn int_opt(&self, column: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.row.get(column)?)
    }

    pub(crate) fn count(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(StoreError::damaged)
    }

    pub(crate) fn small(&self, column: usize) -> Result<u32, StoreError> {
        u32::try_from(self.int(column)?).map_err(StoreError::damaged)
    }

    pub(crate) fn truth(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, StoreError> {
        Ok(self.row.get(column)?)
    }

    pub(crate) fn str(&self, column: usize) -> Result<&str, StoreError> {
        let text = self.row.get_ref(column)?;
        text.as_str().map_err(StoreError::damaged)
    }

    pub(crate) fn text_opt(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(self.row.get(column)?)
    }

    pub(crate) fn hash_opt(&self, column: usize) -> Result<Option<[u8; 32]>, StoreError> {
        Ok(self.row.get(column)?)
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(self.int(column)?).map_err(StoreError::damaged)
    }

    pub(crate) fn time_opt(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        let read = |ms| Timestamp::from_millisecond(ms).map_err(StoreError::damaged);
        self.int_opt(column)?.map(read).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T, StoreError> {
        let text = self.str(column)?;
        serde_json::from_str(text).map_err(StoreError::damaged)
    }

    /// A word that the program wrote.
    pub(crate) fn word<T: FromStr>(&self, column: usize) -> Result<T, StoreError> {
        let text = self.str(column)?;
        text.parse().map_err(|_| StoreError::damaged(text))
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn placeholders_are_numbered_and_json_paths_are_left_alone() {
        assert_eq!(numbered("a = $2 AND b = $1"), "a = ?2 AND b = ?1");
        assert_eq!(
            numbered("json_extract(x, '$.a') = $1"),
            "json_extract(x, '$.a') = ?1"
        );
        assert_eq!(numbered("SELECT 1"), "SELECT 1");
    }
}
