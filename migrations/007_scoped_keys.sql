-- The search keys of each index, by uid; and which instances have observed which generation of them.
CREATE TABLE IF NOT EXISTS search_ui_scoped_keys (
    index_uid    TEXT    NOT NULL PRIMARY KEY,
    primary_uid  TEXT    NOT NULL,
    previous_uid TEXT,
    rotated_at   INTEGER NOT NULL,
    generation   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS search_ui_scoped_key_observations (
    index_uid   TEXT    NOT NULL,
    instance    TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    PRIMARY KEY (index_uid, instance)
) STRICT, WITHOUT ROWID;
