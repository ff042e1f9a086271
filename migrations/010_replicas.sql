-- The replicas that are not in sync, with the stamps of their differences. A replica in sync has no row.
CREATE TABLE IF NOT EXISTS replicas (
    physical_uid TEXT    NOT NULL,  -- the uid under which the nodes keep the index
    node_id      TEXT    NOT NULL,
    state        TEXT    NOT NULL,  -- JSON: {shards: {shard -> stamp}, settings, index}
    task         INTEGER,           -- of the first mark, if a write made it
    reason       TEXT    NOT NULL,
    since_at     INTEGER NOT NULL,
    PRIMARY KEY (physical_uid, node_id)
) STRICT;
-- Listings are in the order of this text, which differs from that of the two columns: `-` and digits come
-- before `:`.
CREATE INDEX IF NOT EXISTS replicas_by_name ON replicas (physical_uid || ':' || node_id);

-- One row: the last stamp that was given. Stamps go on when the rows are gone.
CREATE TABLE IF NOT EXISTS replica_totals (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    last_stamp INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO replica_totals (only, last_stamp) VALUES (1, 0);

-- One row or none: the progress of filling `replicas` from the tasks of an older Miroir.
CREATE TABLE IF NOT EXISTS replica_recovery (
    only        INTEGER PRIMARY KEY CHECK (only = 1),
    term        INTEGER NOT NULL,
    oldest_open INTEGER NOT NULL
) STRICT;
