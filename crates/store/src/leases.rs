//! Who drives which execution: a lease has an end, and an epoch that fences off those who held it before.

use fleetward_core::Timestamp;
use fleetward_core::seconds::Seconds;

use crate::params::params;
use crate::{StoreError, Tx};

/// The right to drive an execution, as it was when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The execution.
    pub execution_key: i64,
    /// Counts the holders: larger than that of every holder before.
    pub epoch: i64,
}

/// Who holds an execution's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// By the name it gave.
    pub holder: String,
    /// The number of its lease.
    pub epoch: i64,
    /// When anyone may take it over. Until somebody does, the holder's writes count.
    pub until: Timestamp,
}

/// Takes the lease of `execution_key`, or renews it, until `ttl` after `now`, rounded up to a whole
/// second. Possible when it is free, has run out, or is `holder`'s own; else `None`, and nothing is
/// changed. Its own keeps its epoch; any other gets the next one.
///
/// `holder` is not empty, and names one run of one process: two that share a name share the lease.
///
/// # Errors
/// The database fails.
pub fn take(
    tx: &Tx<'_>,
    execution_key: i64,
    holder: &str,
    now: Timestamp,
    ttl: Seconds,
) -> Result<Option<Lease>, StoreError> {
    tx.query_opt(
        "INSERT INTO leases (execution_key, holder, epoch, until) VALUES ($1, $2, 1, $3)
         ON CONFLICT (execution_key) DO UPDATE SET
             epoch = leases.epoch + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END,
             holder = excluded.holder,
             until = excluded.until
         WHERE leases.holder = excluded.holder OR leases.until <= $4
         RETURNING epoch",
        params![execution_key, holder, ttl.after(now), now],
        |row| {
            Ok(Lease {
                execution_key,
                epoch: row.int(0)?,
            })
        },
    )
}

/// Lets the rest of the transaction stand only if `lease` is still the newest. That it has run out
/// does no harm as long as nobody took it over.
///
/// # Errors
/// [`StoreError::Fenced`] when somebody took it over or it was given back, which undoes the
/// transaction when it is passed on; or the database fails.
pub fn guard(tx: &Tx<'_>, lease: &Lease) -> Result<(), StoreError> {
    // An update, not a question: engines with several writers hold the row until the commit.
    let held = tx.execute(
        "UPDATE leases SET epoch = epoch
         WHERE execution_key = $1 AND epoch = $2 AND holder <> ''",
        params![lease.execution_key, lease.epoch],
    )?;
    if held == 0 {
        return Err(StoreError::Fenced {
            execution_key: lease.execution_key,
        });
    }
    Ok(())
}

/// Gives the lease back, so that anyone may take it at once. One that is not the newest any more
/// changes nothing.
///
/// # Errors
/// The database fails.
pub fn release(tx: &Tx<'_>, lease: &Lease) -> Result<(), StoreError> {
    // The row stays: with it would go the epoch that fences off older holders.
    tx.execute(
        "UPDATE leases SET holder = '', until = 0 WHERE execution_key = $1 AND epoch = $2",
        params![lease.execution_key, lease.epoch],
    )
    .map(drop)
}

/// Ends every lease: whoever held one is gone. Only for a database that no other process can use.
///
/// # Errors
/// The database fails.
pub fn end_all(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE leases SET until = 0 WHERE until > 0", &[])
        .map(drop)
}

/// Who holds the lease of `execution_key`, also when it has run out; `None` when it was never taken
/// or was given back.
///
/// # Errors
/// The database fails.
pub fn holder_of(tx: &Tx<'_>, execution_key: i64) -> Result<Option<Holding>, StoreError> {
    tx.query_opt(
        "SELECT holder, epoch, until FROM leases WHERE execution_key = $1 AND holder <> ''",
        params![execution_key],
        |row| {
            Ok(Holding {
                holder: row.text(0)?,
                epoch: row.int(1)?,
                until: row.time(2)?,
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::outbox;

    const TTL: Seconds = Seconds(30);
    const EXECUTION: i64 = 7;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn taken(store: &Store, holder: &str, second: i64) -> Option<Lease> {
        store
            .write_now(|tx| take(tx, EXECUTION, holder, at(second), TTL))
            .unwrap()
    }

    fn epoch(store: &Store, holder: &str, second: i64) -> Option<i64> {
        taken(store, holder, second).map(|lease| lease.epoch)
    }

    fn tell(store: &Store, lease: &Lease, kind: &str) -> Result<(), StoreError> {
        store.write_now(|tx| {
            outbox::put(tx, EXECUTION, kind, &serde_json::json!({}), at(0))?;
            guard(tx, lease)
        })
    }

    fn told(store: &Store) -> Vec<String> {
        let events = store.read_now(|tx| outbox::waiting(tx, 100)).unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    #[test]
    fn one_holder_at_a_time_and_each_with_the_next_epoch() {
        let store = Store::in_memory().unwrap();
        assert_eq!(epoch(&store, "ann", 0), Some(1));
        assert_eq!(epoch(&store, "bob", 29), None, "it is ann's");
        assert_eq!(epoch(&store, "ann", 20), Some(1), "a renewal");
        assert_eq!(epoch(&store, "bob", 49), None, "renewed until 50");
        assert_eq!(epoch(&store, "bob", 50), Some(2));
        assert_eq!(epoch(&store, "ann", 60), None);
        assert_eq!(epoch(&store, "ann", 80), Some(3));
        assert_eq!(epoch(&store, "ann", 500), Some(3), "late, but nobody came");
    }

    #[test]
    fn what_an_old_holder_writes_changes_nothing() {
        let store = Store::in_memory().unwrap();
        let old = taken(&store, "ann", 0).unwrap();
        tell(&store, &old, "first").unwrap();
        let new = taken(&store, "bob", 30).unwrap();
        assert!(matches!(
            tell(&store, &old, "late"),
            Err(StoreError::Fenced { execution_key: 7 })
        ));
        tell(&store, &new, "second").unwrap();
        assert_eq!(told(&store), ["first", "second"]);
    }

    #[test]
    fn one_that_ran_out_counts_until_it_is_taken_over() {
        let store = Store::in_memory().unwrap();
        let lease = taken(&store, "ann", 0).unwrap();
        tell(&store, &lease, "long after").unwrap();
        assert_eq!(told(&store), ["long after"]);
    }

    #[test]
    fn one_given_back_is_free_at_once_and_worth_nothing() {
        let store = Store::in_memory().unwrap();
        let old = taken(&store, "ann", 0).unwrap();
        store.write_now(|tx| release(tx, &old)).unwrap();
        assert!(matches!(
            tell(&store, &old, "after"),
            Err(StoreError::Fenced { .. })
        ));
        let new = taken(&store, "ann", 1).unwrap();
        assert_eq!(new.epoch, 2, "also its former holder begins anew");
        assert!(tell(&store, &old, "after").is_err());
        store.write_now(|tx| release(tx, &old)).unwrap();
        tell(&store, &new, "an old one can't give back a new one").unwrap();
        assert_eq!(told(&store).len(), 1);
    }

    #[test]
    fn its_holder_can_be_read() {
        let store = Store::in_memory().unwrap();
        let holder = |key| store.read_now(|tx| holder_of(tx, key)).unwrap();
        assert_eq!(holder(EXECUTION), None);
        let lease = taken(&store, "ann", 5).unwrap();
        let expected = Holding {
            holder: "ann".into(),
            epoch: 1,
            until: at(35),
        };
        assert_eq!(holder(EXECUTION), Some(expected));
        assert_eq!(holder(EXECUTION + 1), None);
        store.write_now(|tx| release(tx, &lease)).unwrap();
        assert_eq!(holder(EXECUTION), None);
    }

    #[test]
    fn one_never_taken_fences_too() {
        let store = Store::in_memory().unwrap();
        let lease = Lease {
            execution_key: EXECUTION,
            epoch: 1,
        };
        assert!(matches!(
            tell(&store, &lease, "nothing"),
            Err(StoreError::Fenced { .. })
        ));
        assert_eq!(told(&store), Vec::<String>::new());
    }
}
