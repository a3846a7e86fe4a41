"""Was nothing lost, and are the backups whole? Compares the record of the maintenance with what lies on the disk now.

Every file of the list must lie in the trash with the same bytes, be gone from its place and be older than 30 days; every backup
must have the bytes that were read. Exit 0 with the counts, or 1 with what is wrong.
"""

import argparse
import hashlib
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", required=True)
    parser.add_argument("--workspace", default=".")
    args = parser.parse_args()
    path, home = Path(args.record), Path(args.workspace)
    if not path.is_file():
        print(f"{path} is not there")
        return 1
    record = json.loads(path.read_text(encoding="utf-8"))
    wrong = [w for one in record["moved"] if (w := _moved(home, record, one))] + [w for one in record["backups"] if (w := _backup(home, one))]
    if wrong:
        print("; ".join(wrong[:5]))
        return 1
    print(f"{len(record['moved'])} old files lie in the trash as they were, nothing younger than 30 days moved, {len(record['backups'])} backups are whole")
    return 0


def _moved(home: Path, record: dict[str, Any], one: dict[str, Any]) -> str:
    trash = Path(record["trash"]) / one["path"]
    copies = [trash, *trash.parent.glob(trash.name + ".*")]
    if not any(c.is_file() and _sha256(c) == one["sha256"] for c in copies):
        return f"{one['path']} is not in the trash as it was"
    if (home / one["path"]).exists() and datetime.fromtimestamp((home / one["path"]).stat().st_mtime).astimezone() < datetime.fromisoformat(record["at"]):
        return f"{one['path']} is still at its place"
    if datetime.fromisoformat(record["at"]) - datetime.fromisoformat(one["at"]) < timedelta(days=30):
        return f"{one['path']} was younger than 30 days"
    return ""


def _backup(home: Path, one: dict[str, Any]) -> str:
    file = home / one["path"]
    if not one["whole"]:
        return f"{one['path']}: {one['said']}"
    if not file.is_file():
        return ""  # taken out of rotation since
    written = datetime.fromtimestamp(file.stat().st_mtime).astimezone()
    same_file = written == datetime.fromisoformat(one["at"])
    return f"{one['path']} has other bytes than were read" if same_file and _sha256(file) != one["sha256"] else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
