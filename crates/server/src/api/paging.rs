//! Parts of lists: `limit` and `cursor` in the query, `next_cursor` in the answer.

use fleetward_store::page::{Page, Paged};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiError, ApiResult};
use super::types::List;

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 1000;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Most rows (50; at most 1000).
    limit: Option<u32>,
    /// `next_cursor` of the part before.
    cursor: Option<String>,
}

impl Paging {
    pub(crate) fn page(&self) -> ApiResult<Page> {
        let limit = self.limit.unwrap_or(LIMIT);
        if limit == 0 || limit > LIMIT_MAX {
            return Err(ApiError::invalid("limit", format!("use 1 to {LIMIT_MAX}")));
        }
        let read = |cursor: &String| cursor.strip_prefix('c')?.parse().ok();
        let after = match &self.cursor {
            None => None,
            Some(cursor) => Some(read(cursor).ok_or_else(|| {
                ApiError::invalid(
                    "cursor",
                    "use the `next_cursor` of an earlier answer as it is",
                )
            })?),
        };
        Ok(Page { after, limit })
    }
}

pub(crate) fn list<T>(found: Paged<T>) -> List<T> {
    List {
        items: found.rows,
        next_cursor: found.next.map(|key| format!("c{key}")),
    }
}

pub(crate) const fn whole<T>(items: Vec<T>) -> List<T> {
    List {
        items,
        next_cursor: None,
    }
}
