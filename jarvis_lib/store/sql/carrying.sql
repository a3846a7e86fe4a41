-- A store written out for other programs and for another workspace. Times are UTC.

-- name: table
COPY (SELECT * FROM {table} ORDER BY ALL) TO '{path}' ({options});

-- name: facts
COPY (SELECT * FROM {table} ORDER BY seq) TO '{path}' ({options});

-- name: lines
SELECT * FROM read_parquet('{path}') ORDER BY seq;
