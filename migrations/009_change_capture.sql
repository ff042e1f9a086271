-- What an unfinished task will have changed, told to sinks when it ends. A row goes with the end of its task.
CREATE TABLE IF NOT EXISTS task_changes (
    miroir_id INTEGER PRIMARY KEY,
    changes   TEXT NOT NULL  -- JSON
) STRICT;

-- The greatest number of an index that a sink has confirmed: what is dropped beyond it is lost.
CREATE TABLE IF NOT EXISTS cdc_outbox_delivered (
    sink_name TEXT    NOT NULL,
    index_uid TEXT    NOT NULL,
    seq       INTEGER NOT NULL,
    PRIMARY KEY (sink_name, index_uid)
) STRICT, WITHOUT ROWID;

-- Sinks that a person or a receiver has stopped, and those that were. One without a row is active.
CREATE TABLE IF NOT EXISTS cdc_sinks (
    sink_name  TEXT    NOT NULL PRIMARY KEY,
    state      TEXT    NOT NULL,
    reason     TEXT,
    changed_at INTEGER NOT NULL  -- milliseconds
) STRICT, WITHOUT ROWID;
