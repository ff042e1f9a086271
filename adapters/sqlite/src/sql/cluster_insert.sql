INSERT INTO cluster (only, id, epoch, topology, version)
VALUES (1, :id, :epoch, :topology, :version)
ON CONFLICT DO NOTHING
