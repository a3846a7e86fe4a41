-- What persons asked for, and when; what they logged; what was learned of it, offered, and answered. Tasks that a component or an agent proposed tell
-- nothing about the person's routines.

-- name: added
SELECT title, category, added_at FROM tasks
WHERE starts_with(actor, 'person') AND added_at > $since AND added_at <= $until
ORDER BY added_at, id;

-- name: logged
SELECT "type", "at", source FROM logged_events WHERE "at" > $since AND "at" <= $until ORDER BY "at", id;

-- name: calendar
SELECT DISTINCT uid, title, "start" FROM busy WHERE coalesce(title, '') <> '' AND NOT all_day AND "start" > $since AND "start" <= $until ORDER BY "start", uid;

-- name: patterns
SELECT p.*, coalesce(a.answer, '') AS answer, coalesce(a.template, '') AS template
FROM patterns p LEFT JOIN pattern_answers a ON a.pattern = p.id ORDER BY p.learned_at, p.id;

-- name: suggestions
SELECT * FROM suggestions ORDER BY made_at DESC, id;

-- name: used
SELECT count(*) FILTER (task IS NOT NULL AND state = 'used') AS hits, count(*) FILTER (task IS NOT NULL AND state = 'wasted') AS waste,
    count(*) FILTER (task IS NULL AND state = 'used') AS asked_right, count(*) FILTER (task IS NULL AND state = 'wasted') AS asked_wrong,
    count(*) FILTER (state = 'dismissed') AS dismissed, count(*) FILTER (state IN ('asked', 'queued')) AS open
FROM suggestions;

-- name: skill
SELECT count(*) AS n, avg(CAST(happened AS INTEGER)) AS happened, avg(brier) AS brier, avg(base_brier) AS base_brier,
    CASE WHEN avg(base_brier) > 0 THEN 1 - avg(brier) / avg(base_brier) END AS skill
FROM prediction_scores WHERE predictor = 'routine' AND scored_at > $since;
