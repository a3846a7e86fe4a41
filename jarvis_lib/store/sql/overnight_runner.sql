-- name: newest_session
SELECT * FROM sessions WHERE opened_at <= $now ORDER BY opened_at DESC LIMIT 1;

-- name: open_session
SELECT * FROM sessions WHERE closed_at IS NULL ORDER BY opened_at DESC LIMIT 1;

-- name: session_results
SELECT id AS attempt, task, n, title, category, planned_hours, claimed_at, ended_at, outcome, exit_code, seconds, verdict, verdict_why, log, notebook, state
FROM results WHERE session = $session ORDER BY claimed_at;

-- name: session_phases
SELECT name, event, "at", said, seconds FROM phases WHERE session = $session ORDER BY "at";

-- name: session_fixes
SELECT * FROM fixes WHERE session = $session ORDER BY "at";
