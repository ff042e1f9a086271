UPDATE cluster
SET id = :id, epoch = :epoch, topology = :topology, version = :version
