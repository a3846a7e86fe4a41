-- Filling in the rows that a person's own table lacks. {table} and {columns} are quoted identifiers; {typed}, {marks}, {same} and {other} are made of such.

-- name: columns
PRAGMA table_info({table});

-- name: source
CREATE TEMP TABLE jarvis_source ({typed});

-- name: load
INSERT INTO jarvis_source VALUES ({marks});

-- name: begin
BEGIN IMMEDIATE;

-- name: count
SELECT count(*) FROM main.{table};

-- name: count_new
SELECT count(*) FROM jarvis_source s WHERE NOT EXISTS (SELECT 1 FROM main.{table} t WHERE {same});

-- name: count_differing
SELECT count(*) FROM jarvis_source s JOIN main.{table} t ON {same} WHERE {other};

-- name: fill
INSERT INTO main.{table} ({columns}) SELECT {columns} FROM jarvis_source s WHERE NOT EXISTS (SELECT 1 FROM main.{table} t WHERE {same});

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;
