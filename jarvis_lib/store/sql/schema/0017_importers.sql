-- What came from another system, one row for each item: its words as they stood there (`content`, JSON), and the task that it became. `said` is its state
-- there (for a metric: how far its samples were read). Its key is made of its content, so that nothing comes in twice.
CREATE TABLE imports (
    key VARCHAR, file VARCHAR, kind VARCHAR, old_id VARCHAR, said VARCHAR, task VARCHAR, content VARCHAR, digest VARCHAR,
    batch VARCHAR, "at" TIMESTAMP, actor VARCHAR
);

-- Tasks that come again. `every` is the rule in its own words; `told_until` is the newest time that a missed one was told of; `approved_hash` the content
-- that the person has approved for every occurrence. `newest` is the occurrence that was made last, for the time `newest_at`.
CREATE TABLE series (
    id VARCHAR, every VARCHAR, newest VARCHAR, newest_at TIMESTAMP, made INTEGER, missed INTEGER, told_until TIMESTAMP, approved_hash VARCHAR,
    policy_hash VARCHAR, started_at TIMESTAMP, ended_at TIMESTAMP, ended_why VARCHAR
);
