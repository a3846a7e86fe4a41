-- What Jarvis measures of itself.

-- name: observations
SELECT * FROM improver_observations WHERE "at" > $since AND "at" <= $until AND x IS NOT NULL ORDER BY measure, subject, "at", ref, x;

-- name: windows
SELECT * FROM improver_windows WHERE "at" > $since AND "at" <= $until ORDER BY "at", "window";

-- name: first_planned
SELECT kind, min("at") AS "at" FROM improver_windows GROUP BY kind ORDER BY kind;

-- name: weaknesses
SELECT * FROM weaknesses ORDER BY CASE state WHEN 'open' THEN 0 ELSE 1 END,
    CASE severity WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, last_found DESC, key;

-- name: improvements
SELECT i.*, t.state AS task_state, coalesce(t.accepted_at, t.shipped_at) AS task_done_at FROM improvements i LEFT JOIN tasks t ON t.id = i.task
ORDER BY i.proposed_at DESC, i.id;

-- name: improvements_by_prefix
SELECT i.*, t.state AS task_state, coalesce(t.accepted_at, t.shipped_at) AS task_done_at FROM improvements i LEFT JOIN tasks t ON t.id = i.task
WHERE starts_with(i.id, $prefix) ORDER BY i.id;

-- name: tagged
SELECT id FROM tasks WHERE list_contains(tags, $tag) ORDER BY added_at, id LIMIT 1;

-- name: decisions
-- The newest decision of each task that was decided in the span.
SELECT verdict, count(*) AS tasks FROM (
    SELECT verdict FROM decisions WHERE "at" > $since AND "at" <= $until QUALIFY row_number() OVER (PARTITION BY task ORDER BY "at" DESC) = 1
) GROUP BY verdict ORDER BY verdict;

-- name: approved
-- Tasks that were asked about in the span, and had a yes.
SELECT count(DISTINCT task) AS tasks FROM improver_answers WHERE yes = 1 AND "at" > $since AND "at" <= $until;

-- name: scoreboard
-- Precision: of what was said with at least 50 %, the share that came. Lead: the median of hours from the saying to the happening.
SELECT predictor, estimator, count(*) AS n, avg(brier) AS brier, avg(base_brier) AS base_brier,
    CASE WHEN avg(base_brier) > 0 THEN 1 - avg(brier) / avg(base_brier) END AS skill,
    avg(CAST(covered AS INTEGER)) AS coverage, count(covered) AS n_covered, count(*) FILTER (WHERE p >= 0.5) AS n_said,
    avg(CAST(happened AS INTEGER)) FILTER (WHERE p >= 0.5) AS "precision",
    median(CASE WHEN unit = 'h' AND actual IS NOT NULL THEN actual ELSE date_diff('second', made_at, due_at) / 3600 END)
        FILTER (WHERE happened AND p >= 0.5) AS lead_h
FROM prediction_scores WHERE scored_at <= $until GROUP BY predictor, estimator ORDER BY predictor, estimator;

-- name: effort
-- The forecasts of hours against the estimate itself, in absolute logarithms; what was ended by its deadline counts for the coverage only.
SELECT count(*) AS n, avg(CAST(held_p80 AS INTEGER)) AS coverage,
    avg(abs(ln(actual_h / p50))) FILTER (WHERE NOT at_least AND estimate_h > 0) AS miss,
    avg(abs(ln(actual_h / estimate_h))) FILTER (WHERE NOT at_least AND estimate_h > 0) AS base_miss
FROM estimate_scores WHERE completed_at <= $until AND actual_h > 0 AND p50 > 0;

-- name: noted
SELECT (SELECT count(*) FROM timings) AS timings, (SELECT count(*) FROM brief_readings) AS readings;

-- name: overruns
SELECT estimate_h, actual_h FROM finished_work WHERE completed_at > $since AND completed_at <= $until AND estimate_h > 0 ORDER BY actual_h, attempt;
