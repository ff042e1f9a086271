-- What a queue needs beyond the columns of `jobs`: how often a job may be tried, why it failed last, its place in line.
CREATE TABLE IF NOT EXISTS job_queue (
    job_id       TEXT    NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    max_attempts INTEGER NOT NULL,
    last_error   TEXT,
    queued_seq   INTEGER            -- grows with every entry into the queue; none while the job does not wait
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS job_queue_by_seq ON job_queue (queued_seq) WHERE queued_seq IS NOT NULL;

-- One row: the last place in line and the last claim token that were given, and how many jobs wait and are claimed.
CREATE TABLE IF NOT EXISTS job_totals (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    last_seq   INTEGER NOT NULL,
    last_token INTEGER NOT NULL,
    queued     INTEGER NOT NULL,
    claimed    INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO job_totals (only, last_seq, last_token, queued, claimed) VALUES (1, 0, 0, 0, 0);

CREATE TRIGGER IF NOT EXISTS jobs_counted_on_insert AFTER INSERT ON jobs
BEGIN
    UPDATE job_totals SET queued = queued + (NEW.state = 'queued'), claimed = claimed + (NEW.state = 'claimed');
END;
CREATE TRIGGER IF NOT EXISTS jobs_counted_on_delete AFTER DELETE ON jobs
BEGIN
    UPDATE job_totals SET queued = queued - (OLD.state = 'queued'), claimed = claimed - (OLD.state = 'claimed');
END;
CREATE TRIGGER IF NOT EXISTS jobs_counted_on_update AFTER UPDATE OF state ON jobs WHEN OLD.state <> NEW.state
BEGIN
    UPDATE job_totals SET queued = queued + (NEW.state = 'queued') - (OLD.state = 'queued'),
                          claimed = claimed + (NEW.state = 'claimed') - (OLD.state = 'claimed');
END;
