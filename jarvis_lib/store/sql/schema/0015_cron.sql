-- What starts by itself: the slot ledger, one row for each occurrence of a job that was claimed, done or missed, and which scheduler knocks.

CREATE TABLE cron_slots (
    slot VARCHAR, job VARCHAR, due TIMESTAMP, until TIMESTAMP, state VARCHAR, claimed_at TIMESTAMP, ended_at TIMESTAMP, n INTEGER, owner VARCHAR,
    session VARCHAR, outcome VARCHAR, said VARCHAR
);

-- `since` is the first installation that holds: nothing is missed before it.
CREATE TABLE cron_installed (scheduler VARCHAR, since TIMESTAMP, changed_at TIMESTAMP, removed_at TIMESTAMP);
