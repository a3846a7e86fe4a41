-- Samples of metrics in Parquet files: points as they were taken, medians of five minutes, and roll-ups by the hour. `{path}` is a file to write.
-- A reading fills the tables `points`, `fives` and `hours` of its own connection from the files that it needs.

-- name: tables
CREATE TEMP TABLE points ("at" TIMESTAMP, metric VARCHAR, value DOUBLE);
CREATE TEMP TABLE fives ("at" TIMESTAMP, metric VARCHAR, value DOUBLE);
CREATE TEMP TABLE parts ("at" TIMESTAMP, metric VARCHAR, n BIGINT, low DOUBLE, mid DOUBLE, high DOUBLE);
-- A day that was rolled up in two goes has its hours in two files.
CREATE TEMP VIEW hours AS
SELECT "at", metric, sum(n)::BIGINT AS n, min(low) AS low, sum(mid * n) / sum(n) AS mid, max(high) AS high FROM parts GROUP BY "at", metric;
CREATE TEMP VIEW days AS
SELECT date_trunc('day', "at")::TIMESTAMP AS "at", metric, sum(n)::BIGINT AS n, min(low) AS low, sum(mid * n) / sum(n) AS mid, max(high) AS high
FROM hours GROUP BY ALL;

-- name: clear
DELETE FROM points; DELETE FROM fives; DELETE FROM parts;

-- name: write
COPY (SELECT unnest($times::TIMESTAMP[]) AS "at", unnest($metrics::VARCHAR[]) AS metric, unnest($values::DOUBLE[]) AS value) TO '{path}' (FORMAT parquet);

-- name: merge
-- Each point once: a power cut between the merge and the removal of what was merged leaves it in two files.
COPY (SELECT DISTINCT "at", metric, value FROM read_parquet($files) ORDER BY metric, "at") TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: write_fives
COPY (
    SELECT time_bucket(INTERVAL 5 MINUTES, "at") AS "at", metric, median(value) AS value FROM read_parquet($files) GROUP BY 1, 2 ORDER BY metric, 1
) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: write_hours
COPY (
    SELECT date_trunc('hour', "at")::TIMESTAMP AS "at", metric, count(*) AS n, min(value) AS low, avg(value) AS mid, max(value) AS high
    FROM read_parquet($files) GROUP BY 1, 2 ORDER BY metric, 1
) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: merge_hours
COPY (
    SELECT "at", metric, sum(n)::BIGINT AS n, min(low) AS low, sum(mid * n) / sum(n) AS mid, max(high) AS high
    FROM read_parquet($files) GROUP BY 1, 2 ORDER BY metric, 1
) TO '{path}' (FORMAT parquet, COMPRESSION zstd);

-- name: read_points
INSERT INTO points SELECT "at", metric, value FROM read_parquet($files)
WHERE "at" >= $since AND "at" <= $until AND ($metric IS NULL OR metric = $metric);

-- name: read_fives
INSERT INTO fives SELECT "at", metric, value FROM read_parquet($files)
WHERE "at" >= $since AND "at" <= $until AND ($metric IS NULL OR metric = $metric);

-- name: read_parts
INSERT INTO parts SELECT "at", metric, n, low, mid, high FROM read_parquet($files)
WHERE "at" >= $since AND "at" <= $until AND ($metric IS NULL OR metric = $metric);

-- name: points_to_fives
INSERT INTO fives SELECT time_bucket(INTERVAL 5 MINUTES, "at"), metric, median(value) FROM points GROUP BY 1, 2;

-- name: points_to_parts
INSERT INTO parts SELECT date_trunc('hour', "at")::TIMESTAMP, metric, count(*), min(value), avg(value), max(value) FROM points GROUP BY 1, 2;

-- name: fives
SELECT metric, "at", value FROM fives ORDER BY metric, "at";

-- name: fives_counts
SELECT metric, count(*) FROM fives GROUP BY metric ORDER BY metric;

-- name: fives_columns
SELECT "at", value FROM fives ORDER BY metric, "at";

-- name: hours_counts
SELECT metric, count(*) FROM hours GROUP BY metric ORDER BY metric;

-- name: hours_columns
SELECT "at", mid AS value FROM hours ORDER BY metric, "at";

-- name: hours
SELECT metric, "at", n, low, mid, high FROM hours ORDER BY metric, "at";

-- name: days
SELECT metric, "at", n, low, mid, high FROM days ORDER BY metric, "at";

-- name: latest
-- Each metric with its newest value, its range, and its trend by the day over the last week (from six hours of it on).
WITH newest AS (
    SELECT metric, max("at") AS "at", arg_max(value, "at") AS value
    FROM (SELECT * FROM points UNION ALL SELECT * FROM fives UNION ALL SELECT "at", metric, mid FROM parts) GROUP BY metric
)
SELECT n.metric, n."at", n.value, min(h.low) AS low, max(h.high) AS high, sum(h.n)::BIGINT AS n,
    CASE WHEN count(*) FILTER (h."at" >= $week) >= 6
        THEN regr_slope(h.mid, epoch(h."at") / 86400) FILTER (h."at" >= $week) END AS trend
FROM newest n LEFT JOIN hours h ON h.metric = n.metric GROUP BY n.metric, n."at", n.value ORDER BY n.metric;

-- name: whole
SELECT count(*), sum(hash(COLUMNS(*))) FROM read_parquet($files);
