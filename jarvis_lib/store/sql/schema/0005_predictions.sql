-- Predictions of all predictors: written before the fact, scored once after it, never changed. `p` is the probability that the thing happens by `due_at`
-- and `base` what the simplest baseline gave for the same; `low`, `mid`, `high` are the 10 %, 50 % and 90 % quantiles of `unit` (of hours until it happens,
-- or of a value), `base_mid` the baseline's point. `scored_at` is empty until it resolves; `how` says by what (observed, or void: nobody could see it).

CREATE TABLE predictions (
    id VARCHAR, predictor VARCHAR, estimator VARCHAR, subject VARCHAR, said VARCHAR, made_at TIMESTAMP, due_at TIMESTAMP, p DOUBLE, base DOUBLE,
    low DOUBLE, mid DOUBLE, high DOUBLE, base_mid DOUBLE, unit VARCHAR, detail VARCHAR,
    scored_at TIMESTAMP, happened BOOLEAN, actual DOUBLE, how VARCHAR
);

-- One row for each prediction that resolved: Brier scores of predictor and baseline, whether the 80 % interval held, and how early it was said.
CREATE VIEW prediction_scores AS
SELECT id, predictor, estimator, subject, made_at, due_at, scored_at, p, base, low, mid, high, base_mid, unit, happened, actual,
    power(p - CAST(happened AS INTEGER), 2) AS brier, power(base - CAST(happened AS INTEGER), 2) AS base_brier,
    CASE WHEN actual IS NOT NULL AND low IS NOT NULL AND high IS NOT NULL THEN actual BETWEEN low AND high END AS covered,
    CASE WHEN actual IS NOT NULL AND mid IS NOT NULL THEN abs(actual - mid) END AS miss,
    CASE WHEN actual IS NOT NULL AND base_mid IS NOT NULL THEN abs(actual - base_mid) END AS base_miss
FROM predictions WHERE scored_at IS NOT NULL AND how <> 'void';

-- The scoreboard: skill is 1 - Brier / Brier of the simplest baseline; without skill a predictor goes quiet.
CREATE VIEW scoreboard AS
SELECT predictor, estimator, count(*) AS n, avg(CAST(happened AS INTEGER)) AS happened, avg(p) AS said, avg(brier) AS brier, avg(base_brier) AS base_brier,
    CASE WHEN avg(base_brier) > 0 THEN 1 - avg(brier) / avg(base_brier) END AS skill, avg(CAST(covered AS INTEGER)) AS coverage, count(covered) AS n_covered,
    median(miss) AS miss, median(base_miss) AS base_miss, max(scored_at) AS last_scored
FROM prediction_scores GROUP BY ALL;
