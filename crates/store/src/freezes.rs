//! Freezes that people declared: times in which nothing is released, in one environment or anywhere. Those of the
//! configuration are not kept here.

use fleetward_core::Timestamp;

use crate::page::{Page, Paged};
use crate::params::params;
use crate::{Row, StoreError, Tx};

/// One freeze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Its number here.
    pub freeze_key: i64,
    /// Its public id.
    pub freeze_id: String,
    /// Where nothing is released; anywhere when absent.
    pub environment: Option<String>,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it; it lasts until it is lifted when absent.
    pub until: Option<Timestamp>,
    /// Why, for those who wait.
    pub reason: String,
    /// When it was declared.
    pub created_at: Timestamp,
    /// Who declared it.
    pub created_by: String,
    /// When and by whom it was lifted.
    pub lifted: Option<(Timestamp, String)>,
}

/// A freeze that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingFreeze {
    /// Its public id.
    pub freeze_id: String,
    /// Where nothing is released; anywhere when absent.
    pub environment: Option<String>,
    /// The first moment after it; it lasts until it is lifted when absent.
    pub until: Option<Timestamp>,
    /// Why, for those who wait.
    pub reason: String,
    /// Who declared it.
    pub created_by: String,
}

/// Which freezes to list; absent fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct FreezeFilter {
    /// Those that hold in this environment: its own, and those of all environments.
    pub environment: Option<String>,
    /// Those that stand at this moment: neither lifted nor over. They need not have begun.
    pub standing_at: Option<Timestamp>,
}

const COLUMNS: &str = "freeze_key, freeze_id, environment, from_at, until_at, reason, created_at, \
     created_by, lifted_at, lifted_by";

fn freeze(row: &Row<'_>) -> Result<Freeze, StoreError> {
    Ok(Freeze {
        freeze_key: row.int(0)?,
        freeze_id: row.text(1)?,
        environment: row.text_opt(2)?,
        from: row.time(3)?,
        until: row.time_opt(4)?,
        reason: row.text(5)?,
        created_at: row.time(6)?,
        created_by: row.text(7)?,
        lifted: row.time_opt(8)?.zip(row.text_opt(9)?),
    })
}

/// Adds a freeze that nobody lifted; its key is given, not taken from `new`.
///
/// # Errors
/// The id exists ([`StoreError::is_duplicate`]), or the database fails.
pub fn insert(tx: &Tx<'_>, new: &Freeze) -> Result<i64, StoreError> {
    tx.query_one(
        "INSERT INTO freezes (freeze_id, environment, from_at, until_at, reason, created_at,
            created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING freeze_key",
        params![
            &new.freeze_id,
            new.environment.as_ref(),
            new.from,
            new.until,
            &new.reason,
            new.created_at,
            &new.created_by,
        ],
        |row| row.int(0),
    )
}

/// One freeze by its public id.
///
/// # Errors
/// The database fails.
pub fn find(tx: &Tx<'_>, freeze_id: &str) -> Result<Option<Freeze>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM freezes WHERE freeze_id = $1");
    tx.query_opt(&sql, params![freeze_id], freeze)
}

/// Lifts a freeze; false where there is none, or it was lifted before.
///
/// # Errors
/// The database fails.
pub fn lift(tx: &Tx<'_>, freeze_id: &str, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE freezes SET lifted_at = $2, lifted_by = $3
         WHERE freeze_id = $1 AND lifted_at IS NULL";
    Ok(tx.execute(sql, params![freeze_id, now, by])? == 1)
}

/// A page of freezes, newest first.
///
/// # Errors
/// The database fails.
pub fn list(tx: &Tx<'_>, filter: &FreezeFilter, page: Page) -> Result<Paged<Freeze>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM freezes
         WHERE freeze_key < $1
           AND ($2 IS NULL OR environment IS NULL OR environment = $2)
           AND ($3 IS NULL OR (lifted_at IS NULL AND (until_at IS NULL OR until_at > $3)))
         ORDER BY freeze_key DESC LIMIT $4"
    );
    let values = params![
        page.after.unwrap_or(i64::MAX),
        filter.environment.as_ref(),
        filter.standing_at,
        page.limit + 1,
    ];
    let found = tx.query(&sql, values, |row| freeze(row).map(|f| (f.freeze_key, f)))?;
    Ok(Paged::cut(found, page.limit))
}

/// The freeze that is in force at `now` in an environment: its own or one of all environments, and of
/// several the one that ends last.
///
/// # Errors
/// The database fails.
pub fn standing(
    tx: &Tx<'_>,
    environment: &str,
    now: Timestamp,
) -> Result<Option<StandingFreeze>, StoreError> {
    tx.query_opt(
        "SELECT freeze_id, environment, until_at, reason, created_by FROM freezes
         WHERE lifted_at IS NULL AND (environment IS NULL OR environment = $1)
           AND from_at <= $2 AND (until_at IS NULL OR until_at > $2)
         ORDER BY until_at IS NULL DESC, until_at DESC, freeze_key LIMIT 1",
        params![environment, now],
        |row| {
            Ok(StandingFreeze {
                freeze_id: row.text(0)?,
                environment: row.text_opt(1)?,
                until: row.time_opt(2)?,
                reason: row.text(3)?,
                created_by: row.text(4)?,
            })
        },
    )
}

/// The next moment after `now` at which a freeze that holds in an environment begins or ends; `None`
/// when none will by itself.
///
/// # Errors
/// The database fails.
pub fn next_change(
    tx: &Tx<'_>,
    environment: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    tx.query_one(
        "SELECT MIN(CASE WHEN from_at > $2 THEN from_at ELSE until_at END) FROM freezes
         WHERE lifted_at IS NULL AND (environment IS NULL OR environment = $1)
           AND (from_at > $2 OR until_at > $2)",
        params![environment, now],
        |row| row.time_opt(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Declares a freeze by its id, place and times.
    fn declare(store: &Store, id: &str, environment: Option<&str>, from: i64, until: Option<i64>) {
        let new = Freeze {
            freeze_key: 0,
            freeze_id: id.to_owned(),
            environment: environment.map(str::to_owned),
            from: at(from),
            until: until.map(at),
            reason: format!("reason of {id}"),
            created_at: at(0),
            created_by: "ann".to_owned(),
            lifted: None,
        };
        store.write_now(|tx| insert(tx, &new)).unwrap();
    }

    fn in_force(store: &Store, environment: &str, second: i64) -> Option<String> {
        let found = store.read_now(|tx| standing(tx, environment, at(second)));
        found.unwrap().map(|freeze| freeze.freeze_id)
    }

    fn changes(store: &Store, environment: &str, second: i64) -> Option<Timestamp> {
        let found = store.read_now(|tx| next_change(tx, environment, at(second)));
        found.unwrap()
    }

    fn listed(store: &Store, filter: &FreezeFilter) -> Vec<String> {
        let page = Page {
            after: None,
            limit: 10,
        };
        let found = store.read_now(|tx| list(tx, filter, page)).unwrap();
        found.rows.into_iter().map(|row| row.freeze_id).collect()
    }

    #[test]
    fn it_is_in_force_from_its_first_moment_to_before_its_end() {
        let store = Store::in_memory().unwrap();
        declare(&store, "a", Some("field"), 10, Some(20));
        let seen = [9, 10, 19, 20].map(|second| in_force(&store, "field", second));
        let a = Some("a".to_owned());
        assert_eq!(seen, [None, a.clone(), a, None]);
        assert_eq!(in_force(&store, "lab", 15), None, "it is not lab's");
        let next = [0, 9, 10, 19, 20].map(|second| changes(&store, "field", second));
        let (from, until) = (Some(at(10)), Some(at(20)));
        assert_eq!(next, [from, from, until, until, None]);
        assert_eq!(changes(&store, "lab", 0), None);
    }

    #[test]
    fn of_several_the_one_that_ends_last_counts() {
        let store = Store::in_memory().unwrap();
        declare(&store, "long", Some("field"), 0, Some(50));
        declare(&store, "short", None, 0, Some(40));
        assert_eq!(in_force(&store, "field", 1).as_deref(), Some("long"));
        assert_eq!(in_force(&store, "lab", 1).as_deref(), Some("short"));
        declare(&store, "endless", None, 0, None);
        for environment in ["field", "lab"] {
            assert_eq!(in_force(&store, environment, 1).as_deref(), Some("endless"));
        }
        assert_eq!(changes(&store, "field", 1), Some(at(40)), "the first end");
        assert_eq!(changes(&store, "field", 50), None, "one lasts");
    }

    #[test]
    fn one_that_is_lifted_holds_nothing_and_is_lifted_once() {
        let store = Store::in_memory().unwrap();
        declare(&store, "a", None, 0, None);
        let lifted = |id: &'static str, by: &'static str, second| {
            let done = store.write_now(move |tx| lift(tx, id, by, at(second)));
            done.unwrap()
        };
        assert!(lifted("a", "bob", 5));
        assert!(!lifted("a", "eve", 6));
        assert!(!lifted("b", "eve", 6));
        assert_eq!(in_force(&store, "field", 6), None);
        let found = store.read_now(|tx| find(tx, "a")).unwrap().unwrap();
        assert_eq!(found.lifted, Some((at(5), "bob".to_owned())));
        declare(&store, "later", None, 100, Some(200));
        assert_eq!(changes(&store, "field", 6), Some(at(100)));
        assert!(lifted("later", "bob", 7));
        assert_eq!(changes(&store, "field", 8), None);
    }

    #[test]
    fn lists_are_newest_first_and_filtered() {
        let store = Store::in_memory().unwrap();
        declare(&store, "over", None, 0, Some(10));
        declare(&store, "field", Some("field"), 0, None);
        declare(&store, "lab", Some("lab"), 0, None);
        declare(&store, "ahead", None, 100, Some(200));
        declare(&store, "lifted", None, 0, None);
        store
            .write_now(|tx| lift(tx, "lifted", "bob", at(5)))
            .unwrap();
        let filter = |environment: Option<&str>, standing_at: Option<i64>| FreezeFilter {
            environment: environment.map(str::to_owned),
            standing_at: standing_at.map(at),
        };
        let all = ["lifted", "ahead", "lab", "field", "over"];
        assert_eq!(listed(&store, &filter(None, None)), all);
        let standing = ["ahead", "lab", "field"];
        assert_eq!(listed(&store, &filter(None, Some(10))), standing);
        let of_lab = ["lifted", "ahead", "lab", "over"];
        assert_eq!(listed(&store, &filter(Some("lab"), None)), of_lab);
        let both = ["ahead", "field"];
        assert_eq!(listed(&store, &filter(Some("field"), Some(10))), both);
    }
}
