-- Times are milliseconds since 1970, UTC. Statuses and states are the words of the API.

CREATE TABLE devices (
    device_key       INTEGER PRIMARY KEY,
    device_id        TEXT    NOT NULL UNIQUE,
    environment      TEXT    NOT NULL,
    model            TEXT    NOT NULL DEFAULT '',
    revision         TEXT    NOT NULL DEFAULT '',
    version          TEXT    NOT NULL DEFAULT '',
    device_groups    TEXT    NOT NULL DEFAULT ',',
    attributes       TEXT    NOT NULL DEFAULT '{}',
    token_hash       BLOB,
    client           TEXT    NOT NULL DEFAULT '',
    can_stage        INTEGER NOT NULL DEFAULT 0,
    wants_attributes INTEGER NOT NULL DEFAULT 1,
    quarantined      INTEGER NOT NULL DEFAULT 0,
    registered_at    INTEGER NOT NULL,
    last_seen_at     INTEGER
);
CREATE INDEX devices_by_environment ON devices (environment, device_id);
CREATE INDEX devices_quarantined ON devices (device_key) WHERE quarantined = 1;

CREATE TABLE firmware (
    firmware_key INTEGER PRIMARY KEY,
    firmware_id  TEXT    NOT NULL UNIQUE,
    version      TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    format       TEXT    NOT NULL,
    file_name    TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    sha256       TEXT    NOT NULL,
    sha1         TEXT    NOT NULL,
    md5          TEXT    NOT NULL,
    hardware     TEXT    NOT NULL,
    signed       INTEGER NOT NULL,
    findings     TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    withdrawn_at INTEGER,
    withdrawn_by TEXT
);

CREATE TABLE plans (
    plan_key     INTEGER PRIMARY KEY,
    plan_id      TEXT    NOT NULL UNIQUE,
    environment  TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    approved_at  INTEGER,
    approved_by  TEXT,
    comment      TEXT
);

CREATE TABLE executions (
    execution_key INTEGER PRIMARY KEY,
    execution_id  TEXT    NOT NULL UNIQUE,
    plan_key      INTEGER NOT NULL REFERENCES plans,
    environment   TEXT    NOT NULL,
    firmware_key  INTEGER NOT NULL REFERENCES firmware,
    state         TEXT    NOT NULL,
    phase         TEXT    NOT NULL,
    devices       INTEGER NOT NULL,
    excluded      TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    TEXT    NOT NULL,
    finished_at   INTEGER
);
CREATE INDEX executions_open ON executions (execution_key) WHERE finished_at IS NULL;

CREATE TABLE tallies (
    execution_key INTEGER NOT NULL,
    wave          INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    late          INTEGER NOT NULL,
    devices       INTEGER NOT NULL,
    PRIMARY KEY (execution_key, wave, status, late)
) WITHOUT ROWID;

CREATE TABLE assignments (
    device_key            INTEGER NOT NULL,
    execution_key         INTEGER NOT NULL,
    wave                  INTEGER NOT NULL,
    status                TEXT    NOT NULL,
    late                  INTEGER NOT NULL DEFAULT 0,
    previous_version      TEXT    NOT NULL,
    previous_firmware_key INTEGER,
    failure               TEXT,
    action_id             INTEGER,
    deadline              INTEGER,
    updated_at            INTEGER NOT NULL,
    PRIMARY KEY (device_key, execution_key)
) WITHOUT ROWID;
CREATE INDEX assignments_by_wave ON assignments (execution_key, wave, status);
CREATE INDEX assignments_by_deadline ON assignments (execution_key, deadline) WHERE deadline IS NOT NULL;

-- Waves whose assignments are not written out yet: choosing a million devices is one moment, writing a
-- million rows is not, and the first wave need not wait for it.
CREATE TABLE kept_waves (
    execution_key INTEGER NOT NULL,
    part          INTEGER NOT NULL,
    wave          INTEGER NOT NULL,
    devices       TEXT    NOT NULL,
    chosen_at     INTEGER NOT NULL,
    PRIMARY KEY (execution_key, part)
);

CREATE TABLE actions (
    action_id     INTEGER PRIMARY KEY,
    execution_key INTEGER NOT NULL,
    device_key    INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    staging       INTEGER NOT NULL DEFAULT 0,
    firmware_key  INTEGER NOT NULL,
    opened_at     INTEGER NOT NULL,
    closed_at     INTEGER
);
CREATE INDEX actions_by_device ON actions (device_key);
CREATE INDEX actions_open ON actions (device_key) WHERE state <> 'closed';

CREATE TABLE messages (
    message_key INTEGER PRIMARY KEY,
    action_id   INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    report      TEXT    NOT NULL,
    detail      TEXT    NOT NULL
);
CREATE INDEX messages_by_action ON messages (action_id);

CREATE TABLE decisions (
    execution_key INTEGER NOT NULL,
    number        INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    summary       TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    PRIMARY KEY (execution_key, number)
) WITHOUT ROWID;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    source TEXT    NOT NULL,
    action TEXT    NOT NULL,
    object TEXT    NOT NULL,
    detail TEXT    NOT NULL
);

CREATE TABLE outbox (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    at            INTEGER NOT NULL,
    execution_key INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    delivered_at  INTEGER
);
CREATE INDEX outbox_waiting ON outbox (number) WHERE delivered_at IS NULL;
CREATE INDEX outbox_by_execution ON outbox (execution_key, number);

CREATE TABLE api_keys (
    key_id     TEXT    PRIMARY KEY,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    hash       BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
);

CREATE TABLE idempotency (
    principal TEXT    NOT NULL,
    key       TEXT    NOT NULL,
    request   TEXT    NOT NULL,
    response  TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
);

CREATE TABLE counters (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('next_action', 11);
