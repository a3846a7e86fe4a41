-- What is known about the person's time: calendars, days off, overrides, and what was noticed. Spans stand in their source's one row, so
-- that a source is replaced as a whole. Titles stand here only where the person allowed it.

-- A calendar: when its rows were read, whether the newest try was good and what it said. Times of spans are seconds since 1970 in UTC;
-- `cuts` names the kinds of windows that its busy spans cut, `away_cuts` those that its away spans cut.
CREATE TABLE calendar_sources (
    source VARCHAR, entry VARCHAR, read_at TIMESTAMP, tried_at TIMESTAMP, ok BOOLEAN, said VARCHAR, spans INTEGER, events INTEGER,
    skipped INTEGER, fingerprint VARCHAR, etag VARCHAR, digest VARCHAR, gone BOOLEAN, cuts VARCHAR[], away_cuts VARCHAR[],
    starts BIGINT[], ends BIGINT[], all_days BOOLEAN[], kinds VARCHAR[], uids VARCHAR[], titles VARCHAR[]
);

CREATE VIEW busy AS
SELECT source, make_timestamp(s * 1000000) AS "start", make_timestamp(e * 1000000) AS "end", all_day, kind, uid, title,
    CASE WHEN kind = 'away' THEN away_cuts ELSE cuts END AS cuts
FROM (
    SELECT source, cuts, away_cuts, unnest(starts) AS s, unnest(ends) AS e, unnest(all_days) AS all_day, unnest(kinds) AS kind,
        unnest(uids) AS uid, unnest(titles) AS title
    FROM calendar_sources
);

-- Public holidays of one place; a new reading replaces the old one.
CREATE TABLE holiday_sets (
    source VARCHAR, place VARCHAR, first_year INTEGER, last_year INTEGER, read_at TIMESTAMP, said VARCHAR, days VARCHAR[], names VARCHAR[]
);

CREATE VIEW days_off AS SELECT unnest(days) AS day, unnest(names) AS name, source FROM holiday_sets;

-- What the person set. `ended_at` is when it was cleared, replaced, or seen to have expired.
CREATE TABLE overrides (id VARCHAR, state VARCHAR, set_at TIMESTAMP, until TIMESTAMP, ended_at TIMESTAMP, starts_work BOOLEAN, actor VARCHAR);

CREATE TABLE transitions ("at" TIMESTAMP, state VARCHAR, before VARCHAR, confidence DOUBLE, until TIMESTAMP, why VARCHAR[], actor VARCHAR);
