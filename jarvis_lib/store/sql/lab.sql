-- What notebooks ask for beside the frames of the reports.

-- name: attempts
-- In the order in which they stand: to sort a million wide rows here takes as much memory as the answer, and a join would mix them.
SELECT id, task, n, session, claimed_at, ended_at, outcome, verdict, verdict_why, seconds, isolation, log, notebook FROM attempts WHERE claimed_at >= $since;

-- name: of_tasks
SELECT id AS task, title, category, hours AS planned_hours, state FROM tasks;

-- name: predictions
SELECT id, predictor, estimator, subject, said, made_at, due_at, p, base, low, mid, high, base_mid, unit, scored_at, happened, actual, how
FROM predictions ORDER BY made_at, id;

-- name: wall
-- After this a question reaches the attached copy and nothing else.
SET python_enable_replacements = false;
SET enable_external_access = false;
SET lock_configuration = true;

-- name: open_tasks
SELECT t.*, (SELECT d.verdict FROM decisions d WHERE d.task = t.id ORDER BY d."at" DESC LIMIT 1) AS verdict
FROM tasks t WHERE t.state IN ('proposed', 'queued', 'parked') ORDER BY t.added_at, t.id;
