-- Executions have a pace; devices in them a class, a place, retries and stepping stones.

ALTER TABLE executions ADD COLUMN offers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN starts_at INTEGER;
ALTER TABLE executions ADD COLUMN domain_attribute TEXT;
ALTER TABLE executions ADD COLUMN by_zone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN dynamic INTEGER NOT NULL DEFAULT 0;
CREATE INDEX executions_dynamic ON executions (environment) WHERE finished_at IS NULL AND dynamic = 1;

ALTER TABLE actions ADD COLUMN failure TEXT;
ALTER TABLE devices ADD COLUMN security_floor TEXT NOT NULL DEFAULT '';
CREATE INDEX devices_floored ON devices (device_key) WHERE security_floor <> '';

CREATE TABLE new_tallies (
    execution_key INTEGER NOT NULL,
    wave          INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    class         TEXT    NOT NULL,
    failure       TEXT    NOT NULL,
    devices       INTEGER NOT NULL,
    PRIMARY KEY (execution_key, wave, status, class, failure)
) WITHOUT ROWID;

-- class: on_time; absent: missed its wave without ever coming; arrived: came after it; joined: was not
-- there when the devices were chosen. zone and domain are set where the execution minds them.
CREATE TABLE new_assignments (
    device_key            INTEGER NOT NULL,
    execution_key         INTEGER NOT NULL,
    wave                  INTEGER NOT NULL,
    place                 INTEGER NOT NULL,
    status                TEXT    NOT NULL,
    class                 TEXT    NOT NULL DEFAULT 'on_time',
    previous_version      TEXT    NOT NULL,
    previous_firmware_key INTEGER,
    stones_left           INTEGER NOT NULL DEFAULT 0,
    zone                  TEXT,
    domain                TEXT,
    failure               TEXT,
    failures              INTEGER NOT NULL DEFAULT 0,
    action_id             INTEGER,
    deadline              INTEGER,
    retry_at              INTEGER,
    updated_at            INTEGER NOT NULL,
    PRIMARY KEY (device_key, execution_key)
) WITHOUT ROWID;

-- Devices that never came for an offer lose it, and get a new one when they come.
UPDATE actions SET state = 'closed', closed_at = opened_at
 WHERE state <> 'closed' AND action_id IN
    (SELECT action_id FROM assignments WHERE status = 'released' AND late = 1);

INSERT INTO new_assignments (device_key, execution_key, wave, place, status, class, previous_version,
    previous_firmware_key, failure, failures, action_id, deadline, updated_at)
SELECT device_key, execution_key, wave, device_key,
    CASE WHEN status = 'released' AND late = 1 THEN 'pending' ELSE status END,
    CASE WHEN late = 0 THEN 'on_time' WHEN status = 'released' THEN 'absent' ELSE 'arrived' END,
    previous_version, previous_firmware_key, failure, CASE WHEN failure IS NULL THEN 0 ELSE 1 END,
    action_id, deadline, updated_at
FROM assignments;

-- Devices whose rows are not written out yet are counted from the counts that stand.
INSERT INTO new_tallies (execution_key, wave, status, class, failure, devices)
SELECT execution_key, wave, status, class, COALESCE(failure, ''), COUNT(*) FROM new_assignments
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO new_tallies (execution_key, wave, status, class, failure, devices)
SELECT k.execution_key, k.wave, 'pending', 'on_time', '', SUM(json_array_length(k.devices))
FROM kept_waves k GROUP BY 1, 2
ON CONFLICT (execution_key, wave, status, class, failure)
DO UPDATE SET devices = new_tallies.devices + excluded.devices;

DROP TABLE tallies;
ALTER TABLE new_tallies RENAME TO tallies;
DROP TABLE assignments;
ALTER TABLE new_assignments RENAME TO assignments;

CREATE INDEX assignments_by_status ON assignments (execution_key, status, wave, place);
CREATE INDEX assignments_by_deadline ON assignments (execution_key, deadline) WHERE deadline IS NOT NULL;
CREATE INDEX assignments_awaited ON assignments (device_key, execution_key, class)
    WHERE class <> 'on_time' AND status = 'pending';
CREATE INDEX tallies_straggling ON tallies (execution_key)
    WHERE class <> 'on_time' AND devices > 0;
CREATE INDEX assignments_by_domain ON assignments (execution_key, domain, status, wave, place)
    WHERE domain IS NOT NULL;
CREATE INDEX assignments_by_retry ON assignments (execution_key, retry_at) WHERE retry_at IS NOT NULL;

ALTER TABLE kept_waves ADD COLUMN first_place INTEGER NOT NULL DEFAULT 0;

-- Places of which only a share may be under way at once.
CREATE TABLE domains (
    execution_key INTEGER NOT NULL,
    domain        TEXT    NOT NULL,
    devices       INTEGER NOT NULL,
    busy          INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (execution_key, domain)
) WITHOUT ROWID;

-- busy is how many devices of a place hold an offer or work on it.
CREATE TRIGGER domains_busy AFTER UPDATE OF status ON assignments
WHEN NEW.domain IS NOT NULL
 AND (OLD.status IN ('released', 'downloading', 'installing', 'rebooting'))
  <> (NEW.status IN ('released', 'downloading', 'installing', 'rebooting'))
BEGIN
    UPDATE domains SET busy = busy
        + (NEW.status IN ('released', 'downloading', 'installing', 'rebooting'))
        - (OLD.status IN ('released', 'downloading', 'installing', 'rebooting'))
    WHERE execution_key = NEW.execution_key AND domain = NEW.domain;
END;

-- The time zones of an execution's devices, where windows are in each device's own; '' is unknown.
CREATE TABLE zones (
    execution_key INTEGER NOT NULL,
    zone          TEXT    NOT NULL,
    PRIMARY KEY (execution_key, zone)
) WITHOUT ROWID;

-- Versions on the way, oldest first, and the devices that must pass through the last so many of them.
CREATE TABLE stones (
    execution_key INTEGER NOT NULL,
    place         INTEGER NOT NULL,
    firmware_key  INTEGER NOT NULL,
    PRIMARY KEY (execution_key, place)
) WITHOUT ROWID;
CREATE TABLE stone_devices (
    execution_key INTEGER NOT NULL,
    device_key    INTEGER NOT NULL,
    stones        INTEGER NOT NULL,
    PRIMARY KEY (execution_key, device_key)
) WITHOUT ROWID;
