-- What notebooks ask for beside the frames of the reports.

-- name: predictions
SELECT id, predictor, estimator, subject, said, made_at, due_at, p, base, low, mid, high, base_mid, unit, scored_at, happened, actual, how
FROM predictions ORDER BY made_at, id;

-- name: wall
-- After this a question reaches the attached copy and nothing else.
SET python_enable_replacements = false;
SET enable_external_access = false;
SET lock_configuration = true;
