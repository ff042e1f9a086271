-- Change events that wait for their sinks, in the order in which they were appended.
CREATE TABLE IF NOT EXISTS cdc_outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    sink_name  TEXT    NOT NULL,
    index_uid  TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    body       TEXT    NOT NULL,  -- JSON
    size_bytes INTEGER NOT NULL,  -- of `body`
    UNIQUE (sink_name, index_uid, seq)
) STRICT;
CREATE INDEX IF NOT EXISTS cdc_outbox_by_sink ON cdc_outbox (sink_name, id);

-- The numbers of one sink and index: they go on when the events are gone.
CREATE TABLE IF NOT EXISTS cdc_outbox_sequence (
    sink_name  TEXT    NOT NULL,
    index_uid  TEXT    NOT NULL,
    last_seq   INTEGER NOT NULL,
    trimmed_to INTEGER NOT NULL,  -- the greatest number that was dropped for lack of room
    PRIMARY KEY (sink_name, index_uid)
) STRICT, WITHOUT ROWID;

-- How full the outbox of a sink is, so that nobody has to count.
CREATE TABLE IF NOT EXISTS cdc_outbox_totals (
    sink_name TEXT    NOT NULL PRIMARY KEY,
    events    INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    lost      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
