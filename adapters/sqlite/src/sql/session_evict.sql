-- Deletes the excess sessions that expire first, but never the one that was just stored.
DELETE FROM sessions
WHERE session_id IN (
    SELECT session_id FROM sessions
    WHERE session_id <> ?1
    ORDER BY ttl, session_id
    LIMIT max(0, (SELECT count(*) FROM sessions) - ?2)
)
