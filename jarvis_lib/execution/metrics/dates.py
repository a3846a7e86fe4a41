"""When does what expire, and how old is the last backup? Certificates from their PEM files, tokens from the settings, backups by their time."""

import glob
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading, matches, subject_of
from jarvis_lib.execution.metrics.measured import measured, unmeasured
from jarvis_lib.execution.metrics.pem import expires_at
from jarvis_lib.model.prose import clean, hours

_MOST_PEM = 1 << 20


def readings(home: Path, wanted: dict[str, Any], now: datetime) -> list[Reading]:
    """Days left of certificates and tokens, hours since backups."""
    found = [_certificate(home, path, wanted, now) for path in sorted(matches(home, wanted["certificates"]))]
    found += [_nothing("certificate", pattern, "certificates") for pattern in wanted["certificates"] if not matches(home, [pattern])]
    for name, day in sorted(wanted["tokens"].items()):
        end = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        found.append(_left("token", clean(name), end, wanted, now))
    own = _newest(home, "data/snapshots/*.duckdb")
    if own is not None:
        found.append(_backup("this workspace", own, wanted, now))
    for pattern in wanted["backups"]:
        newest = _newest(home, pattern)
        found.append(_nothing("backup", pattern, "backups") if newest is None else _backup(clean(pattern), newest, wanted, now))
    return found


def _certificate(home: Path, path: Path, wanted: dict[str, Any], now: datetime) -> Reading:
    subject = subject_of(home, path)
    try:
        with open(path, "rb") as file:
            return _left("certificate", subject, expires_at(file.read(_MOST_PEM)), wanted, now)
    except (OSError, ValueError) as error:
        why = f"it cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
        return unmeasured("certificate", subject, why)


def _left(kind: str, subject: str, end: datetime, wanted: dict[str, Any], now: datetime) -> Reading:
    days = (end - now).total_seconds() / 86_400
    said = f"expires on {end:%Y-%m-%d}, in {days:.0f} days" if days >= 1 else f"expires on {end:%Y-%m-%d %H:%M} UTC"
    said = said if days >= 0 else f"expired on {end:%Y-%m-%d}, {-days:.0f} days ago"
    return measured(wanted, kind, subject, round(days, 3), said, expires=f"{end:%Y-%m-%dT%H:%M:%SZ}", expired=days < 0)


def _newest(home: Path, pattern: str) -> float | None:
    times = []
    for name in glob.iglob(os.path.expanduser(pattern), root_dir=home, recursive=True):
        try:
            times.append(os.stat(os.path.join(home, name)).st_mtime)
        except OSError:
            continue  # it went between the listing and now
    return max(times, default=None)


def _backup(subject: str, newest: float, wanted: dict[str, Any], now: datetime) -> Reading:
    age = max(now.timestamp() - newest, 0.0) / 3600
    return measured(wanted, "backup", subject, round(age, 3), f"the newest is {hours(age)} old")


def _nothing(kind: str, pattern: str, key: str) -> Reading:
    return unmeasured(kind, clean(pattern), f"no file matches this pattern in [problems] {key}")
