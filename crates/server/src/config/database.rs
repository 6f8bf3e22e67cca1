//! `database`: where the server keeps its data when several replicas share it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::report::Report;
use super::rules;
use super::values::{Seconds, Secret};

/// The shared database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Address of a PostgreSQL database, such as `postgresql://user@host:5432/name`; SQLite in the data directory when
    /// left out.
    pub connection_string: Option<Secret>,
    /// Connections that are kept open.
    #[schemars(range(min = 1, max = 10_000))]
    pub pool_size: u32,
    /// Connections that may be opened beyond those under load.
    #[schemars(range(max = 10_000))]
    pub max_overflow: u32,
    /// Seconds to wait for a free connection.
    pub pool_timeout: Seconds,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            connection_string: None,
            pool_size: 20,
            max_overflow: 30,
            pool_timeout: Seconds(30),
        }
    }
}

impl Database {
    pub(crate) fn review(&self, place: &Place, report: &mut Report<'_>) {
        if let Some(connection) = &self.connection_string {
            review_connection(connection, &place.key("connection_string"), report);
        }
    }
}

/// A PostgreSQL address; without a host it means a local socket.
pub(crate) fn review_connection(connection: &Secret, place: &Place, report: &mut Report<'_>) {
    let text = connection.expose();
    let socket = text.starts_with("postgresql:///") || text.starts_with("postgres:///");
    if !socket {
        rules::url(text, &["postgresql", "postgres"], place, report);
    }
}
