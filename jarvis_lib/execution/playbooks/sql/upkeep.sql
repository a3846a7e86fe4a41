-- Statements for looking at a person's own SQLite file and for packing it. {word} is a quoted identifier.

-- name: patience
PRAGMA busy_timeout = 300;

-- name: page_size
PRAGMA page_size;

-- name: page_count
PRAGMA page_count;

-- name: free_pages
PRAGMA freelist_count;

-- name: keep_lock
PRAGMA locking_mode = EXCLUSIVE;

-- name: lock
BEGIN EXCLUSIVE;

-- name: settle
COMMIT;

-- name: pack
VACUUM INTO $target;

-- name: check
PRAGMA integrity_check(1);

-- name: schema
SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name, tbl_name;

-- name: version
SELECT user_version, application_id FROM pragma_user_version, pragma_application_id;

-- name: rows
SELECT count(*) FROM {table};
