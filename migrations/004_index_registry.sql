-- What placement needs to know of each index. `shard_count` is fixed when the index is created.
CREATE TABLE IF NOT EXISTS indexes (
    uid              TEXT    NOT NULL PRIMARY KEY,
    primary_key      TEXT,              -- none until the first document or the client tells
    shard_count      INTEGER NOT NULL,
    settings_version INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    version          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
