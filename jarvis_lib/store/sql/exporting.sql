-- The state as the old system's files had it. Each takes $since, so that histories stay short.

-- name: tasks
SELECT t.*, (SELECT min(s."start") FROM slots s WHERE s.task = t.id AND s.plan = (SELECT id FROM plans ORDER BY made_at DESC, rowid DESC LIMIT 1)) AS planned
FROM tasks t WHERE $since IS NOT NULL ORDER BY t.added_at, t.id;

-- name: running
SELECT a.task, a.claimed_at, a.n, a.session, t.title FROM attempts a JOIN tasks t ON t.id = a.task
WHERE a.ended_at IS NULL AND $since IS NOT NULL ORDER BY a.claimed_at;

-- name: transitions
SELECT * FROM transitions WHERE "at" >= $since ORDER BY "at";

-- name: problems
SELECT * FROM problems WHERE state = 'open' AND $since IS NOT NULL ORDER BY first_seen, key;

-- name: patterns
SELECT * FROM patterns WHERE $since IS NOT NULL ORDER BY learned_at, id;

-- name: requests
SELECT "type", "at", source FROM logged_events WHERE "at" >= $since ORDER BY "at", id;

-- name: improvements
SELECT * FROM improvements WHERE $since IS NOT NULL ORDER BY proposed_at, id;

-- name: weekend
SELECT c.id, c.title, c.hours, c.weekend, c.tasks, coalesce(b.state, '') AS state FROM weekend_candidates c LEFT JOIN weekend_builds b ON b.id = c.id
WHERE $since IS NOT NULL ORDER BY c.weekend DESC, c.n;
