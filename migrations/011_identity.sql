-- One row or none: the cluster to which the store belongs.
CREATE TABLE IF NOT EXISTS cluster (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    id       TEXT    NOT NULL,
    epoch    INTEGER NOT NULL,
    topology TEXT    NOT NULL,  -- JSON: {replication_factor, nodes: [{id, url, group}]}, as last accepted
    version  INTEGER NOT NULL
) STRICT;

-- The data that each node is known to have.
CREATE TABLE IF NOT EXISTS nodes (
    node_id     TEXT    NOT NULL PRIMARY KEY,
    incarnation TEXT,             -- null for a node of an older Miroir, which made no markers
    newest_task TEXT,             -- JSON: {uid, enqueued_at}, of the newest task that was seen
    updated_at  INTEGER NOT NULL
) STRICT;
