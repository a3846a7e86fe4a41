-- How good are the forecasts and alarms of problem_predictor? One row for each estimator, with predict_linear (forecasts) or the share of real alarms
-- so far (alarms) beside it. A forecast *told* a crossing when its probability was at least one half; every alarm tells one. `lead_h`: how many hours before
-- the crossing it was told, at the median. Numbers of weeks count from the first prediction to the last score.

CREATE VIEW problem_scores AS
WITH own AS (
    SELECT *, CASE WHEN predictor = 'anomaly' THEN true ELSE p >= 0.5 END AS told, base >= 0.5 AS base_told
    FROM prediction_scores WHERE predictor IN ('capacity', 'anomaly')
)
SELECT predictor, estimator, count(*) AS n, count(*) FILTER (happened) AS happened,
    count(*) FILTER (told) AS told, count(*) FILTER (told AND happened) AS hits,
    count(*) FILTER (told AND happened) / nullif(count(*) FILTER (told), 0) AS hit_rate,
    count(*) FILTER (told AND happened) / nullif(count(*) FILTER (happened), 0) AS found,
    count(*) FILTER (base_told AND happened) / nullif(count(*) FILTER (base_told), 0) AS base_hit_rate,
    count(*) FILTER (told AND NOT happened) / weeks AS false_per_week,
    CASE WHEN predictor = 'capacity' THEN count(*) FILTER (base_told AND NOT happened) / weeks END AS base_false_per_week,
    avg(CAST(covered AS INTEGER)) AS coverage, count(covered) AS n_covered,
    median(actual) FILTER (told AND happened) AS lead_h, median(miss) FILTER (happened) AS miss_h, median(base_miss) FILTER (happened) AS base_miss_h,
    avg(brier) AS brier, avg(base_brier) AS base_brier, CASE WHEN avg(base_brier) > 0 THEN 1 - avg(brier) / avg(base_brier) END AS skill
FROM own, (SELECT greatest(date_diff('second', min(made_at), max(scored_at)) / 604800.0, 1) AS weeks FROM own)
GROUP BY predictor, estimator, weeks;
