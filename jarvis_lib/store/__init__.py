"""Where is everything written down? One write path: spool, journal, DuckDB; the only importer of duckdb."""
