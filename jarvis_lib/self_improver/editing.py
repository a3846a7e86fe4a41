"""How is one setting of jarvis.toml changed without touching anything else of it, and put back?

The line is replaced in the text, so comments, order and line ends stay. The new text must read as the old settings with this one key changed and
nothing else, whatever way the file is written; else nothing is written. The old file is kept in `data/settings/`. The caller sees to it that no
session is at work: a session puts any change of the file back.
"""

import hashlib
import os
import re
import stat
import tomllib
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.improver_rules import may_change
from jarvis_lib.model.settings import BadSettings, parse, toml
from jarvis_lib.store import lock
from jarvis_lib.store.whole import write_whole

FILE = "jarvis.toml"
KEPT = "data/settings"


@dataclass(frozen=True, slots=True)
class Edit:
    """What was changed: the key with both values, the line before (None: there was none) and after, and where the old file is kept."""

    section: str
    key: str
    old: Any
    new: Any
    line_before: str | None
    line_after: str
    kept: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as its fact carries it and `undo` reads it."""
        return asdict(self)


def change(home: Path, section: str, key: str, old: Any, new: Any, *, now: datetime) -> Edit:
    """Set the key to `new`, where it is `old` now. Raises Refused, with the file as it was, for anything that is not as expected."""
    why = may_change(section, key, old, new)
    if why:
        raise Refused(f"This is never changed by Jarvis: {why}.")
    path = _file(home)
    with lock.held(home / "data" / "settings.lock", wait_s=10, what="jarvis.toml"):
        before = _read(path)
        standing = _value(before, section, key, path)
        if standing == new:
            return Edit(section, key, old, new, _with_value(before, section, key, old), _line_of(before, section, key), "")
        if standing != old:
            raise Refused(f"[{section}] {key} is {toml(standing)} now, not {toml(old)} as when this was suggested; nothing was changed.")
        after, line_before, line_after = _replaced(before, section, key, new)
        _check(before, after, section, key, new)
        kept = _keep(home, before, now)
        _write(path, before, after)
    return Edit(section, key, old, new, line_before, line_after, kept)


def put_back(home: Path, edit: Edit, *, now: datetime) -> str:
    """Put the line back as it was. Raises Refused when the person has changed it since, and then leaves it."""
    why = may_change(edit.section, edit.key, edit.old, edit.new)
    if why:
        raise Refused(f"This is never changed by Jarvis: {why}.")
    path = _file(home)
    said = f"[{edit.section}] {edit.key} is {toml(edit.old)} again"
    with lock.held(home / "data" / "settings.lock", wait_s=10, what="jarvis.toml"):
        before = _read(path)
        standing = _value(before, edit.section, edit.key, path)
        if standing == edit.old:
            return f"{said}; you had put it back already"
        place = _find(before, edit.section, edit.key)
        lines = before.splitlines(keepends=True)
        if standing != edit.new or place is None or _bare(lines[place]) != edit.line_after:
            raise Refused(f"You have changed [{edit.section}] {edit.key} since (it is {toml(standing)} now), so it was left as it is.")
        end = lines[place][len(_bare(lines[place])) :]
        lines[place] = edit.line_before + end if edit.line_before is not None else ""
        kept = _as_kept(home, edit, before)
        after = "".join(lines) if kept is None else kept
        _check(before, after, edit.section, edit.key, edit.old)
        _keep(home, before, now)
        _write(path, before, after)
    return said


def _as_kept(home: Path, edit: Edit, now: str) -> str | None:
    """The old file as it was kept, when nothing but this edit lies between it and the file of now; then every byte goes back."""
    path = home / KEPT / Path(edit.kept).name
    if not edit.kept or not path.is_file():
        return None
    kept = _read(path)
    return kept if _replaced(kept, edit.section, edit.key, edit.new)[0] == now else None


# --- the text ------------------------------------------------------------------------------------------------------------


def _find(text: str, section: str, key: str) -> int | None:
    """The number (from 0) of the line that sets the key, if it is a plain `key = value` line below its own `[section]` header."""
    current = ""
    for i, line in enumerate(text.splitlines()):
        header = re.match(r"\s*\[\s*([A-Za-z0-9_.\- ]+?)\s*\]\s*(#.*)?$", line)
        if header:
            current = header.group(1)
        elif current == section and re.match(rf"\s*{re.escape(key)}\s*=", line):
            return i
    return None


def _replaced(text: str, section: str, key: str, new: Any) -> tuple[str, str | None, str]:
    """(the new text, the line before, the line after). A key that only has its default gets a line below its section's header."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    place = _find(text, section, key)
    if place is not None:
        bare = _bare(lines[place])
        made = _revalued(bare, new, section, key)
        lines[place] = made + lines[place][len(bare) :]
        return "".join(lines), bare, made
    made = f"{key} = {toml(new)}"
    for i, line in enumerate(lines):
        if re.match(rf"\s*\[\s*{re.escape(section)}\s*\]\s*(#.*)?$", _bare(line)):
            lines[i] = _bare(line) + end
            lines.insert(i + 1, made + end)
            return "".join(lines), None, made
    return text + ("" if not text or text.endswith("\n") else end) + f"{end}[{section}]{end}{made}{end}", None, made


def _revalued(line: str, new: Any, section: str, key: str) -> str:
    """The line with another value; what stands before the value and behind it stays."""
    start = line.index("=") + 1
    start += len(line[start:]) - len(line[start:].lstrip())
    for end in [m.start() for m in re.finditer("#", line)] + [len(line)]:
        try:
            tomllib.loads(line[:end])
        except tomllib.TOMLDecodeError:
            continue
        value_end = len(line[:end].rstrip())
        return line[:start] + toml(new) + line[value_end:]
    raise Refused(f"[{section}] {key} goes over several lines of {FILE}; change it yourself to {toml(new)}.")


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


def _line_of(text: str, section: str, key: str) -> str:
    place = _find(text, section, key)
    return "" if place is None else _bare(text.splitlines(keepends=True)[place])


def _with_value(text: str, section: str, key: str, value: Any) -> str | None:
    line = _line_of(text, section, key)
    return _revalued(line, value, section, key) if line else None


def _value(text: str, section: str, key: str, path: Path) -> Any:
    try:
        return parse(text).get(section, key)
    except BadSettings as error:
        raise Refused(f"{path} has mistakes ({error.mistakes[0]}); correct it first. Nothing was changed.") from error


def _check(before: str, after: str, section: str, key: str, value: Any) -> None:
    """The new text reads as the old settings with this one key changed, or Refused."""
    expected = parse(before).values
    expected = expected | {section: expected[section] | {key: value}}
    try:
        if parse(after).values == expected:
            return
    except BadSettings as error:
        raise Refused(f"[{section}] {key} = {toml(value)} does not fit the rest of {FILE} ({error.mistakes[0]}); nothing was changed.") from error
    raise Refused(f"{FILE} is written in a way in which [{section}] {key} cannot be changed alone; set it yourself to {toml(value)}.")


# --- the file ------------------------------------------------------------------------------------------------------------


def _file(home: Path) -> Path:
    """The file itself, where jarvis.toml is a link to it."""
    return Path(os.path.realpath(home / FILE))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read ({error}); nothing was changed.", code="failed") from error


def _keep(home: Path, text: str, now: datetime) -> str:
    """A copy of the file as it is, named by time and content; returns its path below the workspace."""
    data = text.encode()
    name = f"{stamp(now)[:19].replace(':', '')}Z-{hashlib.sha256(data).hexdigest()[:8]}.toml"
    try:
        (home / KEPT).mkdir(parents=True, exist_ok=True)
        if not (home / KEPT / name).exists():
            write_whole(home / KEPT / name, data, mode=0o600)
    except OSError as error:
        raise Refused(f"The old {FILE} cannot be kept in {KEPT} ({error.strerror}), so nothing was changed.", code="failed") from error
    return f"{KEPT}/{name}"


def _write(path: Path, before: str, after: str) -> None:
    """Replace the file as a whole, if it is still what was read and may be written."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & 0o200 or not os.access(path, os.W_OK):
            raise Refused(f"{path} is read-only, so nothing was changed; make it writable, or change the line yourself.")
        if _read(path) != before:
            raise Refused(f"{path} was changed by somebody else at this very moment; nothing was changed. Try again.")
        write_whole(path, after.encode(), mode=mode)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}); nothing was changed.", code="failed") from error
