-- name: claims
SELECT claimed_at, task, verdict, seconds FROM attempts WHERE claimed_at >= $since AND claimed_at < $until ORDER BY claimed_at, id;

-- name: entries
SELECT "start", "end", all_day, kind, title FROM busy WHERE "end" > $begin AND "start" < $end ORDER BY "start", "end", kind, title;

-- name: overrides
SELECT id, state, set_at, least(until, coalesce(ended_at, until)) AS until FROM overrides
WHERE least(until, coalesce(ended_at, until)) > $begin AND set_at < $end ORDER BY set_at, id;

-- name: known_calendars
SELECT count(*) AS calendars FROM calendar_sources WHERE NOT gone AND read_at IS NOT NULL;

-- name: last_transition
SELECT "at", state, before, confidence, until, why FROM transitions WHERE "at" <= $now ORDER BY "at" DESC LIMIT 1;

-- name: transitions
SELECT "at", state, before FROM transitions WHERE "at" >= $since AND "at" < $until ORDER BY "at";
