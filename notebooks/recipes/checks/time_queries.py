"""How long do all queries of the app take together? Prints seconds, one run of each, read-only, nothing kept from run to run."""

import argparse
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from same_results import statements


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--queries", required=True)
    args = parser.parse_args()
    queries = list(statements(Path(args.queries).read_text(encoding="utf-8")))
    if not queries:
        raise SystemExit(f"{args.queries} holds no query, so there is nothing to time")
    if not Path(args.database).is_file():
        raise SystemExit(f"{args.database} is not there")
    with closing(sqlite3.connect(f"{Path(args.database).resolve().as_uri()}?mode=ro", uri=True)) as con:
        con.text_factory = bytes  # nothing is decoded: the database is timed, not Python
        begun = time.perf_counter()
        for sql in queries:
            con.execute(sql).fetchall()
        took = time.perf_counter() - begun
    print(f"{took:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
