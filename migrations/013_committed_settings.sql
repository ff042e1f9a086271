-- The settings of each index, as clients sent them. Keys of embedders are cut in `settings` and `proposals`;
-- sealed they are beside them.
CREATE TABLE IF NOT EXISTS committed_settings (
    physical_uid     TEXT    NOT NULL PRIMARY KEY,  -- the uid under which the nodes keep the index
    settings         TEXT,              -- JSON in canonical form; null until they were read from a node
    hash             TEXT,              -- of `settings`
    secrets          TEXT    NOT NULL,  -- JSON: {pointer into `settings` -> sealed key}
    proposals        TEXT    NOT NULL,  -- JSON: the changes that are under way, in their order
    settings_version INTEGER NOT NULL,  -- of the last change in `settings`
    known_version    INTEGER NOT NULL,  -- of the last change that was proposed
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL
) STRICT;
