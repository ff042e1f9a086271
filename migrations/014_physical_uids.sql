-- The uid under which the nodes keep an index. For an index that is older than this step it is the name.
ALTER TABLE indexes ADD COLUMN physical_uid TEXT NOT NULL DEFAULT '';
UPDATE indexes SET physical_uid = uid;

-- Null if it is the name, in `index_uid`.
ALTER TABLE tasks ADD COLUMN physical_uid TEXT;

-- The physical uids of deleted indexes, which are never used again.
CREATE TABLE IF NOT EXISTS deleted_indexes (
    physical_uid TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
