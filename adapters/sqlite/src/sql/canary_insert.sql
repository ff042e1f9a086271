INSERT INTO canaries (id, name, index_uid, interval_s, query_json, assertions_json, enabled, created_at, version)
VALUES (:id, :name, :index_uid, :interval_s, :query, :assertions, :enabled, :created_at, :version)
ON CONFLICT DO NOTHING
