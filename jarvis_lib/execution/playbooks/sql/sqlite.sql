-- Statements for a person's own SQLite database. {word} is a quoted identifier, put in by statements.filled.

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name;

-- name: columns
SELECT name FROM pragma_table_info($table) ORDER BY cid;

-- name: has_rows
SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT $least);

-- name: index_columns
SELECT l.name, i.name FROM pragma_index_list($table) AS l JOIN pragma_index_info(l.name) AS i ORDER BY l.seq, i.seqno;

-- name: explain
EXPLAIN QUERY PLAN {query};

-- name: create_index
CREATE INDEX {index} ON {table} ({columns});

-- name: drop_index
DROP INDEX {index};

-- name: analyze
ANALYZE;

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: no_sync
PRAGMA synchronous = OFF;

-- name: short_journal
PRAGMA journal_mode = MEMORY;

-- name: large_cache
PRAGMA cache_size = -262144;

-- name: quick_check
PRAGMA quick_check(1);
