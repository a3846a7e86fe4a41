-- What happened that somebody may want to hear of, and the outbox: each message once for its channel.

CREATE TABLE happenings (id VARCHAR, "at" TIMESTAMP, kind VARCHAR, about VARCHAR, attempt VARCHAR, alert BOOLEAN);

-- state: waiting, trying, sent, failed (told in the next brief), dropped (too old to be told).
CREATE TABLE deliveries (
    key VARCHAR, happening VARCHAR, channel VARCHAR, kind VARCHAR, about VARCHAR, alert BOOLEAN, state VARCHAR, tries INTEGER,
    queued_at TIMESTAMP, tried_at TIMESTAMP, next_at TIMESTAMP, ended_at TIMESTAMP, said VARCHAR
);

CREATE TABLE channels (name VARCHAR, since TIMESTAMP, failing_since TIMESTAMP, why VARCHAR);
