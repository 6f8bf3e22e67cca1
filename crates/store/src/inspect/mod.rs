//! What a test sees of the database: every change of the rows that matter, in the order in which they
//! were made, and breaking what the program does on purpose.
//!
//! Not compiled into the program: see the feature `fault`. What is noted lies in temporary tables of the
//! one connection of a store in memory, and is undone together with the transaction that made it.

mod row;
mod sabotage;

pub use row::{
    ActionRow, AssignmentRow, AuditRow, Change, DecisionRow, DeviceRow, DomainRow, ExecutionRow,
    FreezeRow, KeptRow, LeaseRow, MessageRow, OutboxRow, TallyRow,
};
pub use sabotage::{Sabotage, sabotage};

use crate::params::params;
use crate::{StoreError, Tx};

/// A table that is watched: its number in the journal, its name, and what is noted of a row.
struct Watched {
    number: i64,
    table: &'static str,
    numbers: &'static [&'static str],
    texts: &'static [&'static str],
}

const WATCHED: &[Watched] = &[
    Watched {
        number: 1,
        table: "executions",
        numbers: &[
            "execution_key",
            "plan_key",
            "firmware_key",
            "devices",
            "offers",
            "created_at",
            "finished_at",
            "revision",
        ],
        texts: &["environment", "phase", "state", "execution_id"],
    },
    Watched {
        number: 2,
        table: "assignments",
        numbers: &[
            "device_key",
            "execution_key",
            "wave",
            "failures",
            "action_id",
            "deadline",
            "retry_at",
            "stones_left",
        ],
        texts: &[
            "status",
            "class",
            "COALESCE({}.failure, '')",
            "NULLIF({}.domain, '')",
            "zone",
        ],
    },
    Watched {
        number: 3,
        table: "actions",
        numbers: &[
            "action_id",
            "execution_key",
            "device_key",
            "staging",
            "firmware_key",
            "opened_at",
            "closed_at",
        ],
        texts: &["kind", "state"],
    },
    Watched {
        number: 4,
        table: "decisions",
        numbers: &["execution_key", "number", "at"],
        texts: &["name", "body"],
    },
    Watched {
        number: 5,
        table: "audit",
        numbers: &["number", "at"],
        texts: &["actor", "action", "object"],
    },
    Watched {
        number: 6,
        table: "outbox",
        numbers: &["number", "at", "execution_key", "delivered_at"],
        texts: &["kind"],
    },
    Watched {
        number: 7,
        table: "tallies",
        numbers: &["execution_key", "wave", "devices"],
        texts: &["status", "class", "failure"],
    },
    Watched {
        number: 8,
        table: "kept_waves",
        numbers: &["execution_key", "part", "wave"],
        texts: &["devices"],
    },
    Watched {
        number: 9,
        table: "freezes",
        numbers: &["freeze_key", "from_at", "until_at", "lifted_at"],
        texts: &["environment"],
    },
    Watched {
        number: 10,
        table: "domains",
        numbers: &["execution_key", "devices", "busy"],
        texts: &["domain"],
    },
    Watched {
        number: 11,
        table: "devices",
        numbers: &["device_key", "can_stage", "quarantined", "wants_attributes"],
        texts: &["device_id", "environment", "version"],
    },
    Watched {
        number: 12,
        table: "messages",
        numbers: &["action_id", "at"],
        texts: &["report", "detail"],
    },
    Watched {
        number: 13,
        table: "leases",
        numbers: &["execution_key", "epoch", "until"],
        texts: &["holder"],
    },
];

/// The only table whose rows go.
const KEPT_WAVES: i64 = 8;

/// Notes every change from now on.
///
/// # Errors
/// The database fails.
pub fn watch(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "CREATE TEMP TABLE journal (place INTEGER PRIMARY KEY, what INTEGER, gone INTEGER,
            n0 INTEGER, n1 INTEGER, n2 INTEGER, n3 INTEGER, n4 INTEGER, n5 INTEGER, n6 INTEGER,
            n7 INTEGER, t0 TEXT, t1 TEXT, t2 TEXT, t3 TEXT, t4 TEXT)",
        &[],
    )?;
    for watched in WATCHED {
        for (event, row, gone) in [
            ("INSERT", "NEW", 0),
            ("UPDATE", "NEW", 0),
            ("DELETE", "OLD", 1),
        ] {
            tx.execute(&trigger(watched, event, row, gone), &[])?;
        }
    }
    Ok(())
}

fn trigger(watched: &Watched, event: &str, row: &str, gone: i64) -> String {
    let Watched {
        number,
        table,
        numbers,
        texts,
    } = watched;
    let read = |column: &&str| {
        if column.contains("{}") {
            column.replace("{}", row)
        } else {
            format!("{row}.{column}")
        }
    };
    let named = |letter: char, count: usize| (0..count).map(move |n| format!("{letter}{n}"));
    let columns: Vec<String> = named('n', numbers.len())
        .chain(named('t', texts.len()))
        .collect();
    let values: Vec<String> = numbers.iter().chain(*texts).map(read).collect();
    format!(
        "CREATE TEMP TRIGGER watch_{table}_{event} AFTER {event} ON {table} BEGIN
            INSERT INTO journal (what, gone, {}) VALUES ({number}, {gone}, {}); END",
        columns.join(", "),
        values.join(", ")
    )
}

/// What changed after the place `after`, in order, and the place of the last of it.
///
/// # Errors
/// The database fails, or rows went that must stay.
pub fn changes(tx: &Tx<'_>, after: i64) -> Result<(Vec<Change>, i64), StoreError> {
    let mut last = after;
    let found = tx.query(
        "SELECT place, what, gone, n0, n1, n2, n3, n4, n5, n6, n7, t0, t1, t2, t3, t4 FROM journal
         WHERE place > $1 ORDER BY place",
        params![after],
        |row| {
            last = row.int(0)?;
            let (what, gone) = (row.int(1)?, row.truth(2)?);
            if gone && what != KEPT_WAVES {
                return Err(StoreError::damaged(format!(
                    "a row of table {what} was removed"
                )));
            }
            row::read(what, gone, row)
        },
    )?;
    Ok((found, last))
}

/// Forgets what was noted up to a place.
///
/// # Errors
/// The database fails.
pub fn forget(tx: &Tx<'_>, through: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM journal WHERE place < $1", params![through])
        .map(drop)
}

/// Everything that is there, as if it had been made just now: what a test that watched from the start
/// must know already.
///
/// # Errors
/// The database fails.
pub fn everything(tx: &Tx<'_>) -> Result<Vec<Change>, StoreError> {
    let mut all = Vec::new();
    for watched in WATCHED {
        let Watched {
            number,
            table,
            numbers,
            texts,
        } = watched;
        let bare = |column: &&str| column.replace("{}.", "");
        let pad = |list: &[&str], most: usize| {
            let named = list.iter().map(bare);
            let nulls = std::iter::repeat_n("NULL".to_owned(), most - list.len());
            named.chain(nulls).collect::<Vec<_>>().join(", ")
        };
        let sql = format!(
            "SELECT 0, {number}, 0, {}, {} FROM {table} ORDER BY 4, 5, 6",
            pad(numbers, 8),
            pad(texts, 5)
        );
        all.extend(tx.query(&sql, &[], |row| row::read(*number, false, row))?);
    }
    Ok(all)
}

/// The plan behind an execution as it stood when it began: how many people agreed to the revision and
/// digest that it runs, and whether the plan counts as executed.
///
/// # Errors
/// The database fails.
pub fn agreed(tx: &Tx<'_>, execution_key: i64) -> Result<(u64, bool), StoreError> {
    tx.query_one(
        "SELECT COUNT(DISTINCT s.by_id), MAX(p.state = 'executed')
         FROM executions e JOIN plans p ON p.plan_key = e.plan_key
         LEFT JOIN approvals s ON s.plan_key = p.plan_key AND s.revision = e.revision
            AND s.verdict = 'approved' AND s.digest = p.digest
         WHERE e.execution_key = $1",
        params![execution_key],
        |row| Ok((row.count(0)?, row.truth(1)?)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, audit};
    use fleetward_core::Timestamp;

    fn note(tx: &Tx<'_>, object: &str) -> Result<(), StoreError> {
        let entry = audit::Entry {
            actor: "ann",
            source: "test",
            action: "note.add",
            object,
        };
        audit::write(tx, &entry, &(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_is_undone_was_never_noted() {
        let store = Store::in_memory().unwrap();
        store.write_now(watch).unwrap();
        store.write_now(|tx| note(tx, "a")).unwrap();
        let failed = store.write_now(|tx| {
            note(tx, "b")?;
            Err::<(), _>(StoreError::Closed)
        });
        failed.unwrap_err();
        let (seen, last) = store.read_now(|tx| changes(tx, 0)).unwrap();
        assert!(matches!(seen.as_slice(), [Change::Audit(row)] if row.object == "a"));
        let all = store.read_now(everything).unwrap();
        assert_eq!(all, seen);
        assert_eq!(store.read_now(|tx| changes(tx, last)).unwrap().0, []);
    }
}
