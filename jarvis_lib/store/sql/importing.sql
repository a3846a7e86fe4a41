-- What was brought in from other systems.

-- name: known
SELECT key, kind, digest, said, task FROM imports WHERE key IN (SELECT unnest($keys::VARCHAR[]));

-- name: metrics
SELECT key, said FROM imports WHERE kind = 'metric';

-- name: tasks_by_old_id
SELECT i.old_id, i.task, t.state FROM imports i JOIN tasks t ON t.id = i.task WHERE i.kind = 'task' AND i.old_id <> '' ORDER BY i."at", i.key;

-- name: kept
SELECT i."at", i.file, i.kind, i.old_id, i.said, i.task, t.state, coalesce(t.title, '') AS title, i.content
FROM imports i LEFT JOIN tasks t ON t.id = i.task WHERE $kind = '' OR i.kind = $kind ORDER BY i."at" DESC, i.file, i.kind, i.key;
