-- name: days_off
SELECT day, name FROM days_off ORDER BY day, name;

-- name: cutting
SELECT "start", "end", cuts FROM busy WHERE "end" > $begin AND "start" < $end AND len(cuts) > 0 ORDER BY "start", "end", cuts;

-- name: overrides
SELECT set_at AS "start", least(until, coalesce(ended_at, until)) AS "end" FROM overrides
WHERE NOT starts_work AND least(until, coalesce(ended_at, until)) > $begin AND set_at < $end ORDER BY 1, 2;

-- name: sources
SELECT source, entry, read_at, tried_at, ok, said, spans, events, skipped, fingerprint, etag, digest FROM calendar_sources
WHERE NOT gone ORDER BY source;

-- name: holiday_set
SELECT place, first_year, last_year, read_at, said, len(days) AS days FROM holiday_sets ORDER BY read_at DESC LIMIT 1;
