"""How fast does each log grow, and how many of its new lines speak of errors? Each line is read once, also across a rotation.

Where the last reading ended stands in `data/metrics/logs.json`. It is a bookmark and no fact: without it the next scan begins anew.
"""

import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading, living_logs, subject_of
from jarvis_lib.execution.metrics.measured import measured, unmeasured
from jarvis_lib.model.prose import clean, size

MOST_READ = 8 * 1024 * 1024
"""Of what is new in a log at most so many bytes are read for errors; the rate is taken from those."""
LEAST_S = 30.0
"""A rate over a shorter time says nothing; such a reading waits for the next scan."""
_CHUNK = 1 << 20


def readings(home: Path, wanted: dict[str, Any], now: datetime) -> list[Reading]:
    """Growth and errors of each log since the last reading; none at the first one, because there is nothing to compare with."""
    marks, at = _marks(home), now.timestamp()
    words = re.compile("|".join(re.escape(w) for w in wanted["error_words"]).encode() or rb"(?!)")
    found: list[Reading] = []
    kept: dict[str, Any] = {}
    for path in living_logs(home, wanted):
        subject = subject_of(home, path)
        try:
            kept[subject] = _one(path, subject, marks.get(subject), at, words, wanted, found)
        except OSError as error:
            found.append(unmeasured("log_errors", subject, f"the log cannot be read ({error.strerror})"))
    if kept or marks:
        _keep(home, kept)
    return found


def _one(path: Path, subject: str, mark: Any, at: float, words: re.Pattern[bytes], wanted: dict[str, Any], found: list[Reading]) -> dict[str, Any]:
    """Read what is new in one log, add its readings to `found`, and give the mark for the next time."""
    with open(path, "rb", buffering=0) as file:
        now = os.fstat(file.fileno())
        fresh = {"inode": now.st_ino, "device": now.st_dev, "offset": now.st_size, "at": at}
        if not _fits(mark) or at < mark["at"]:
            return fresh
        if at - mark["at"] < LEAST_S:
            return dict(mark)
        same = (mark["inode"], mark["device"]) == (now.st_ino, now.st_dev) and now.st_size >= mark["offset"]
        before = 0 if same else _tail_of_rotated(path, mark, words)
        start = mark["offset"] if same else 0
        grown = now.st_size - start
        file.seek(max(start, now.st_size - MOST_READ))
        errors, read = _count(file, words, min(grown, MOST_READ))
    errors = round(errors * grown / read) if read and read < grown else errors
    hours = (at - mark["at"]) / 3600
    found.append(measured(wanted, "log_growth", subject, round(grown / hours, 1), f"{size(grown)} more, {size(grown / hours)} an hour"))
    found.append(measured(wanted, "log_errors", subject, round((errors + before) / hours, 3), f"{errors + before} new in {size(grown)}"))
    return fresh


def _tail_of_rotated(path: Path, mark: dict[str, Any], words: re.Pattern[bytes]) -> int:
    """Errors at the end of the file that was renamed away; 0 where it cannot be found (packed, or cut in place)."""
    for other in path.parent.glob(path.name + "[.-]*"):
        try:
            with open(other, "rb", buffering=0) as file:
                now = os.fstat(file.fileno())
                if (now.st_ino, now.st_dev) == (mark["inode"], mark["device"]) and now.st_size >= mark["offset"]:
                    file.seek(max(mark["offset"], now.st_size - MOST_READ))
                    return _count(file, words, MOST_READ)[0]
        except OSError:
            continue  # it went between the listing and now, or is not ours to read
    return 0


def _count(file: Any, words: re.Pattern[bytes], most: int) -> tuple[int, int]:
    """(lines with one of the words, bytes read). A last line without its end counts too."""
    found, left, rest = 0, most, b""
    while left > 0 and (data := file.read(min(_CHUNK, left))):
        left -= len(data)
        *lines, rest = (rest + data).split(b"\n")
        found += sum(1 for line in lines if words.search(line))
        rest = rest[-_CHUNK:]
    return found + bool(rest and words.search(rest)), most - left


def _marks(home: Path) -> dict[str, Any]:
    try:
        raw = json.loads((home / "data" / "metrics" / "logs.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _fits(mark: Any) -> bool:
    return isinstance(mark, dict) and all(isinstance(mark.get(k), int | float) for k in ("inode", "device", "offset", "at"))


def _keep(home: Path, marks: dict[str, Any]) -> None:
    folder = home / "data" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f".logs.{os.getpid()}.tmp"
    own.write_text(json.dumps({clean(k): v for k, v in marks.items()}))
    own.replace(folder / "logs.json")
