-- What is asked of a DuckDB file that belongs to somebody else, in an engine of its own. `old` is the file, read-only; `new` its compact copy.

-- name: blocks
SELECT block_size AS block, total_blocks AS blocks, free_blocks AS free FROM pragma_database_size() WHERE database_name = 'old';

-- name: version
SELECT json_extract_string(to_json(options), '$.storage_version') AS version FROM duckdb_databases() WHERE database_name = 'old';

-- name: copy
COPY FROM DATABASE old TO new;

-- name: settle
CHECKPOINT new;

-- name: schema
SELECT 'table' AS what, schema_name || '.' || table_name AS name, sql || coalesce(comment, '') AS text FROM duckdb_tables() WHERE database_name = $db
UNION ALL SELECT 'view', schema_name || '.' || view_name, sql || coalesce(comment, '') FROM duckdb_views() WHERE database_name = $db AND NOT internal
UNION ALL SELECT 'index', schema_name || '.' || index_name, coalesce(sql, '') || coalesce(comment, '') FROM duckdb_indexes() WHERE database_name = $db
UNION ALL SELECT 'sequence', schema_name || '.' || sequence_name, sql || coalesce(last_value::VARCHAR, '') FROM duckdb_sequences() WHERE database_name = $db
UNION ALL SELECT 'type', schema_name || '.' || type_name, logical_type || coalesce(labels::VARCHAR, '') FROM duckdb_types() WHERE database_name = $db AND NOT internal
UNION ALL SELECT 'macro', schema_name || '.' || function_name, function_type || parameters::VARCHAR || coalesce(macro_definition, '')
    FROM duckdb_functions() WHERE database_name = $db AND NOT internal
UNION ALL SELECT 'schema', schema_name, coalesce(comment, '') FROM duckdb_schemas() WHERE database_name = $db AND NOT internal
UNION ALL SELECT 'constraint', schema_name || '.' || table_name, constraint_text FROM duckdb_constraints() WHERE database_name = $db
ORDER BY ALL;

-- name: tables
SELECT schema_name AS schema, table_name AS name FROM duckdb_tables() WHERE database_name = 'old' ORDER BY ALL;

-- name: content
SELECT count(*) AS count, coalesce(bit_xor(hash(t)), 0)::VARCHAR || ' ' || coalesce(sum(hash(t)::HUGEINT % 1000000007), 0)::VARCHAR AS content FROM {table} t;
