SELECT id, epoch, topology, version
FROM cluster
