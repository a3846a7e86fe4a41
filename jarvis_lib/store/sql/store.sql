-- name: facts_by_id
SELECT id, seq, refused FROM facts WHERE id IN (SELECT unnest($ids::VARCHAR[]));

-- name: meta
SELECT key, value FROM meta;

-- name: set_meta
INSERT INTO meta SELECT unnest($keys::VARCHAR[]), unnest($values::VARCHAR[]);

-- name: clear_meta
DELETE FROM meta;

-- name: tables
SELECT table_name AS name FROM information_schema.tables WHERE table_catalog = current_database() AND table_type = 'BASE TABLE';

-- name: journal_lines
SELECT seq, id, "at", actor, kind, data, v, refused, prev, hash FROM facts ORDER BY seq;

-- name: fact_hashes
SELECT seq, hash FROM facts ORDER BY seq;

-- name: doubles
SELECT 'tasks' AS "table", id AS key FROM tasks GROUP BY id HAVING count(*) > 1
UNION ALL SELECT 'attempts', id FROM attempts GROUP BY id HAVING count(*) > 1
UNION ALL SELECT 'sessions', id FROM sessions GROUP BY id HAVING count(*) > 1
UNION ALL SELECT 'problems', key FROM problems GROUP BY key HAVING count(*) > 1
UNION ALL SELECT 'overrides', id FROM overrides GROUP BY id HAVING count(*) > 1
UNION ALL SELECT 'calendar_sources', source FROM calendar_sources GROUP BY source HAVING count(*) > 1
UNION ALL SELECT 'facts', id FROM facts GROUP BY id HAVING count(*) > 1;

-- name: orphans
SELECT 'attempts' AS "table", a.id AS key FROM attempts a WHERE a.task NOT IN (SELECT id FROM tasks) OR a.session NOT IN (SELECT id FROM sessions)
UNION ALL SELECT 'evidence', e.attempt FROM evidence e WHERE e.attempt NOT IN (SELECT id FROM attempts)
UNION ALL SELECT 'decisions', d.task FROM decisions d WHERE d.task NOT IN (SELECT id FROM tasks)
UNION ALL SELECT 'slots', s.task FROM slots s WHERE s.task NOT IN (SELECT id FROM tasks)
UNION ALL SELECT 'phases', p.session FROM phases p WHERE p.session NOT IN (SELECT id FROM sessions)
UNION ALL SELECT 'fixes', f.id FROM fixes f WHERE f.problem NOT IN (SELECT key FROM problems);

-- name: counts
SELECT (SELECT count(*) FROM facts) AS facts, (SELECT count(*) FROM tasks) AS tasks, (SELECT count(*) FROM attempts) AS attempts,
    (SELECT count(*) FROM sessions) AS sessions;

-- name: notices_since
SELECT "at", kind, sentence FROM notices WHERE "at" >= $since ORDER BY "at";
