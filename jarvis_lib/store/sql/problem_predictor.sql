-- What is known about problems and their fixes.

-- name: problems
SELECT * FROM problems ORDER BY key;

-- name: safe_open
SELECT * FROM problems WHERE state = 'open' AND safe ORDER BY key;

-- name: listed
SELECT p.*, f.id AS fix, f."at" AS fixed_at, f.said AS fix_said, f.playbook
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
