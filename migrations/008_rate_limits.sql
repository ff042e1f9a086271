-- Counters of requests in a window of time, and of log-ins that failed in a row.
CREATE TABLE IF NOT EXISTS rate_limits (
    key        TEXT    NOT NULL PRIMARY KEY,
    hits       INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rate_limits_by_expires_at ON rate_limits (expires_at);

CREATE TABLE IF NOT EXISTS login_failures (
    address    TEXT    NOT NULL PRIMARY KEY,
    failures   INTEGER NOT NULL,
    failed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS login_failures_by_failed_at ON login_failures (failed_at);
