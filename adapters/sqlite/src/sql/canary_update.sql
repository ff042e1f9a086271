UPDATE canaries
SET name = :name, index_uid = :index_uid, interval_s = :interval_s, query_json = :query, assertions_json = :assertions,
    enabled = :enabled, created_at = :created_at, version = :version
WHERE id = :id
