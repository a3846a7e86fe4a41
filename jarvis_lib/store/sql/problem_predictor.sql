-- What is known about problems and their fixes.

-- name: problems
SELECT * FROM problems ORDER BY key;

-- name: safe_open
SELECT * FROM problems WHERE state = 'open' AND safe ORDER BY key;

-- name: listed
SELECT p.*, f.id AS fix, f."at" AS fixed_at, f.said AS fix_said, f.playbook, f.held, f.checked_at, f.held_said, f.emptied_at
FROM problems p
LEFT JOIN (
    SELECT * FROM fixes AS f WHERE verified AND undone_at IS NULL
    QUALIFY row_number() OVER (PARTITION BY problem ORDER BY f."at" DESC, f.id DESC) = 1
) f ON f.problem = p.key AND p.state = 'fixed'
ORDER BY CASE p.state WHEN 'open' THEN 0 WHEN 'fixed' THEN 1 ELSE 2 END,
    CASE p.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, p.last_seen DESC, p.key;

-- name: tried
SELECT DISTINCT problem FROM fixes WHERE session = $session OR undone_at IS NOT NULL;

-- name: running
SELECT id, changes FROM tasks WHERE state = 'running' AND len(changes) > 0;

-- name: fixes_by_prefix
SELECT * FROM fixes WHERE starts_with(id, $prefix) ORDER BY "at", id;

-- name: later_fix
SELECT * FROM fixes WHERE problem = $problem AND undone_at IS NULL AND verified AND ("at", id) > ($at, $id) ORDER BY "at", id LIMIT 1;

-- name: histories
SELECT * FROM fixes WHERE "at" > $since OR undone_at > $since OR came_back_at > $since OR checked_at > $since ORDER BY "at", id;

-- name: to_check
SELECT f.*, p.kind, p.subject FROM fixes f JOIN problems p ON p.key = f.problem
WHERE f.verified AND f.undone_at IS NULL AND f.checked_at IS NULL ORDER BY f."at", f.id;

-- name: to_empty
SELECT id FROM fixes WHERE emptied_at IS NULL AND "at" <= $before AND json_extract(undo, '$.done') IS NOT NULL ORDER BY "at", id;

-- name: failed_tasks
SELECT t.id, t.title, t.attempts, a.outcome, a.ended_at FROM tasks t JOIN attempts a ON a.task = t.id
WHERE t.state = 'failed' AND a.ended_at > $since
QUALIFY row_number() OVER (PARTITION BY t.id ORDER BY a.ended_at DESC, a.id DESC) = 1
ORDER BY t.id;

-- name: emptied
SELECT id FROM fixes WHERE emptied_at IS NOT NULL;
