-- Plans have revisions, approvals and an end; releases can be frozen; one driver holds each execution.

ALTER TABLE plans ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE plans ADD COLUMN expires_at INTEGER;
ALTER TABLE plans ADD COLUMN devices INTEGER;
ALTER TABLE plans ADD COLUMN review TEXT NOT NULL DEFAULT 'none';

-- Earlier revisions of a plan; the newest is in plans.
CREATE TABLE plan_revisions (
    plan_key   INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (plan_key, revision)
) WITHOUT ROWID;

-- What people said of a revision. verdict: approved, rejected, reviewed.
CREATE TABLE approvals (
    plan_key INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    verdict  TEXT    NOT NULL,
    by_id    TEXT    NOT NULL,
    by_name  TEXT    NOT NULL,
    comment  TEXT,
    digest   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (plan_key, revision, number)
) WITHOUT ROWID;

-- Times in which nothing is released. environment is NULL for all of them.
CREATE TABLE freezes (
    freeze_key  INTEGER PRIMARY KEY,
    freeze_id   TEXT    NOT NULL UNIQUE,
    environment TEXT,
    from_at     INTEGER NOT NULL,
    until_at    INTEGER,
    reason      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    lifted_at   INTEGER,
    lifted_by   TEXT
);
CREATE INDEX freezes_standing ON freezes (freeze_key) WHERE lifted_at IS NULL;

CREATE TABLE leases (
    execution_key INTEGER PRIMARY KEY,
    holder        TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    until         INTEGER NOT NULL
);

ALTER TABLE executions ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
