-- name: scoreboard
SELECT * FROM scoreboard ORDER BY predictor, estimator;

-- name: due
-- Predictions of one predictor that are not scored yet, the earliest due first.
SELECT * FROM predictions WHERE predictor = $predictor AND scored_at IS NULL ORDER BY due_at, id;

-- name: newest
-- The newest prediction of each subject that stands at `now`.
SELECT * FROM predictions WHERE predictor = $predictor AND made_at <= $now AND due_at > $now
QUALIFY row_number() OVER (PARTITION BY subject ORDER BY made_at DESC, id) = 1 ORDER BY p DESC, subject;

-- name: open_and_scored
SELECT * FROM predictions WHERE made_at >= $since ORDER BY made_at, predictor, subject, id;

-- name: resolved
SELECT * FROM prediction_scores WHERE scored_at > $since AND scored_at <= $until ORDER BY scored_at, predictor, subject;
