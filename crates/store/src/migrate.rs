//! Bringing a database's schema up to date, under the writer's lock, at every start.

use rusqlite::Connection;

use crate::StoreError;

/// Every migration of SQLite, in order. An applied one never changes; a change is a new one.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "initial",
        include_str!("../migrations/sqlite/0001_initial.sql"),
    ),
    (
        2,
        "plan_life",
        include_str!("../migrations/sqlite/0002_plan_life.sql"),
    ),
    (
        3,
        "pace",
        include_str!("../migrations/sqlite/0003_pace.sql"),
    ),
];

pub(crate) fn run(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
            number   INTEGER PRIMARY KEY,
            name     TEXT    NOT NULL,
            checksum INTEGER NOT NULL
        )",
    )?;
    let newest = |c: &Connection| -> rusqlite::Result<i64> {
        c.query_row(
            "SELECT COALESCE(MAX(number), 0) FROM migrations",
            [],
            |row| row.get(0),
        )
    };
    let known = MIGRATIONS.last().map_or(0, |(number, ..)| *number);
    let found = newest(connection)?;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for (number, name, sql) in MIGRATIONS {
        apply(connection, *number, name, sql)?;
    }
    Ok(())
}

fn apply(connection: &Connection, number: i64, name: &str, sql: &str) -> Result<(), StoreError> {
    let checksum = fleetward_core::selection::seed_of(sql).cast_signed();
    let mut applied = connection.prepare("SELECT checksum FROM migrations WHERE number = ?1")?;
    let mut rows = applied.query([number])?;
    if let Some(row) = rows.next()? {
        let same = row.get::<_, i64>(0)? == checksum;
        return if same {
            Ok(())
        } else {
            Err(StoreError::ForeignMigration { number })
        };
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(sql)?;
    transaction.execute(
        "INSERT INTO migrations (number, name, checksum) VALUES (?1, ?2, ?3)",
        rusqlite::params![number, name, checksum],
    )?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_program_refuses_a_newer_schema() {
        let connection = Connection::open_in_memory().unwrap();
        run(&connection).unwrap();
        run(&connection).expect("twice is once");
        let newer = "INSERT INTO migrations (number, name, checksum) VALUES (99, 'later', 0)";
        connection.execute_batch(newer).unwrap();
        assert!(matches!(
            run(&connection),
            Err(StoreError::NewerSchema { found: 99, .. })
        ));
    }

    #[test]
    fn a_changed_migration_is_noticed() {
        let connection = Connection::open_in_memory().unwrap();
        run(&connection).unwrap();
        connection
            .execute_batch("UPDATE migrations SET checksum = 0")
            .unwrap();
        assert!(matches!(
            run(&connection),
            Err(StoreError::ForeignMigration { number: 1 })
        ));
    }
}
