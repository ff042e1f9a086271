DELETE FROM canaries WHERE id = ?1
