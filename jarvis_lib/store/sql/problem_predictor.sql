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

-- name: own_numbers
-- What of the queue is a metric: the age of the oldest queued task, what waits for a decision, and sessions that ended badly within a day.
SELECT (SELECT max(date_diff('second', changed_at, $now)) / 3600.0 FROM tasks WHERE state = 'queued') AS oldest_queued_h,
    (SELECT count(*) FROM tasks WHERE state IN ('review', 'parked') AND parked_kind <> 'later') AS waiting,
    (SELECT count(*) FROM sessions WHERE closed_at > $yesterday AND outcome IN ('failed', 'died')) AS bad_sessions,
    (SELECT count(*) FROM sessions WHERE opened_at <= $now) AS sessions;

-- name: attempts_by_recipe
SELECT recipe, count(*) AS n, avg(CAST(outcome IN ('failed', 'timed_out', 'died') OR verdict = 'refuted' AS INTEGER)) AS failed,
    median(seconds) AS seconds
FROM attempts WHERE ended_at > $since AND ended_at <= $now GROUP BY recipe ORDER BY recipe;

-- name: fixes_since
SELECT problem, "at" FROM fixes WHERE "at" > $since AND verified ORDER BY "at";

-- name: due
SELECT * FROM predictions WHERE predictor IN ('capacity', 'anomaly') AND scored_at IS NULL ORDER BY made_at, id;

-- name: alarms_resolved
SELECT subject, detail, happened FROM predictions WHERE predictor = 'anomaly' AND scored_at IS NOT NULL AND how = 'observed' ORDER BY scored_at, id;

-- name: forecasts_resolved
SELECT subject, made_at, due_at, low, mid, high, happened, actual, estimator, detail FROM predictions
WHERE predictor = 'capacity' AND scored_at IS NOT NULL AND how = 'observed' AND made_at >= $since ORDER BY scored_at, id;

-- name: scores
SELECT * FROM problem_scores ORDER BY predictor, estimator;

-- name: said_of
-- What was predicted of one metric, the newest first.
SELECT predictor, estimator, said, made_at, due_at, p, base, low, mid, high, base_mid, scored_at, happened, actual, how
FROM predictions WHERE subject = $subject AND predictor IN ('capacity', 'anomaly') ORDER BY made_at DESC, id LIMIT 12;

-- name: fixes_of
SELECT id, playbook, "at", said, verified, undone_at FROM fixes WHERE problem = $problem ORDER BY "at" DESC, id LIMIT 5;

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
