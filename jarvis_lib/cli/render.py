"""How do values look? Aligned and cut to the width on a terminal, whole and tab-separated in a pipe, JSON with a schema.

Colour only repeats what a word says. Text that came from a task is cleaned before it is printed.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime, tzinfo
from pathlib import PurePath
from typing import Any

import click

from jarvis_lib.model import prose
from jarvis_lib.model.fact import stamp

COLORS = {
    "queued": "blue",
    "running": "cyan",
    "shipped": "green",
    "accepted": "green",
    "verified": "green",
    "ok": "green",
    "review": "yellow",
    "parked": "yellow",
    "proposed": "yellow",
    "warning": "yellow",
    "unverified": "yellow",
    "failed": "red",
    "refuted": "red",
    "hollow": "red",
    "problem": "red",
    "CRITICAL": "red",
    "HIGH": "yellow",
}
NARROWEST = 12
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `key` may be a path (`task.title`); `kind` is text, number, hours, time, word (coloured) or id; `grow` may be cut.

    A `spare` one is left out on a terminal that is too narrow for all.
    """

    key: str
    head: str
    kind: str = "text"
    grow: bool = False
    spare: bool = False


def document(schema: str, data: Any, made: datetime, warnings: Sequence[str]) -> str:
    """The JSON answer of a verb."""
    body = {"schema": schema, "generated_at": stamp(made), "data": plain(data), "warnings": list(warnings)}
    return json.dumps(body, ensure_ascii=False, indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: times in UTC with Z, no NaN."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date | PurePath):
        return str(value)
    if isinstance(value, float) and value != value:
        return None
    if hasattr(value, "to_json"):
        return plain(value.to_json())
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value


def listing(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, zone: tzinfo, terminal: bool) -> list[str]:
    """The lines of a list, for a terminal or for a pipe."""
    if not terminal:
        return ["\t".join([_piped(row, c, zone) for c in columns]) for row in rows]
    from shutil import get_terminal_size

    return table(rows, columns, zone=zone, width=get_terminal_size((100, 24)).columns)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, zone: tzinfo, width: int) -> list[str]:
    """Aligned lines with a head, at most `width` wide where the growing columns can give way."""
    cells = [[_cell(row, c, zone, exact=False) for c in columns] for row in rows]
    widths = _fit([max(span(c.head), *(span(r[i]) for r in cells)) for i, c in enumerate(columns)], columns, width)
    spare = [i for i, c in enumerate(columns) if c.spare]
    if spare and _whole(widths) > width:
        return table(rows, [c for i, c in enumerate(columns) if i != spare[-1]], zone=zone, width=width)
    head = _GAP.join(_pad(c.head, w, c) for c, w in zip(columns, widths, strict=True)).rstrip()
    lines = [click.style(head, bold=True)]
    for row in cells:
        lines.append(_GAP.join(_painted(text, w, c) for text, w, c in zip(row, widths, columns, strict=True)).rstrip())
    return lines


def card(pairs: Sequence[tuple[str, Any]], *, zone: tzinfo) -> list[str]:
    """`name  value` lines; what is empty is left out, and a value of several lines is indented."""
    shown = [(name, _text(value, zone)) for name, value in pairs if value not in (None, "", [], (), {})]
    wide = max((len(name) for name, _ in shown), default=0)
    lines = []
    for name, text in shown:
        first, *rest = text.split("\n")
        lines += [f"{name:<{wide}}  {first}", *(f"{'':<{wide}}  {more}" for more in rest)]
    return lines


def findings(found: Sequence[Any]) -> list[str]:
    """The doctor's lines: level, name, what was found, and what to do."""
    lines = []
    for f in found:
        level = click.style(f"{f.level:<7}", fg=COLORS[f.level])
        lines.append(f"{level}  {f.name:<9}  {prose.clean(f.said).rstrip('.') + f'. To do: {prose.clean(f.todo)}' if f.todo else prose.clean(f.said)}")
    return lines


def local(at: datetime, zone: tzinfo) -> str:
    """`Tue 24 Nov 23:00` on the local clock."""
    return f"{at.astimezone(zone):%a %d %b %H:%M}"


def span(text: str) -> int:
    """Columns that the text takes on a terminal."""
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if bare.isascii():
        return len(bare)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in bare)


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, the cut shown by an ellipsis."""
    if span(text) <= width:
        return text
    taken = ""
    for char in text:
        if span(taken + char) > width - 1:
            break
        taken += char
    return taken.rstrip() + "…"


def _value(row: Mapping[str, Any], key: str) -> Any:
    if "." not in key and isinstance(row, dict):
        return row.get(key)
    value: Any = row
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return value


def _cell(row: Mapping[str, Any], column: Column, zone: tzinfo, *, exact: bool) -> str:
    value = _value(row, column.key)
    if value is None or value == "":
        return "" if exact else "-"
    if isinstance(value, str):  # most cells of a list of thousands
        return prose.clean(value)
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds") if exact else local(value, zone)
    if column.kind == "hours" and isinstance(value, int | float):
        return f"{value:g}" if exact else prose.hours(value)
    if column.kind == "percent" and isinstance(value, int | float):
        return f"{value:.0%}"
    return prose.clean(_text(value, zone))


def _piped(row: Mapping[str, Any], column: Column, zone: tzinfo) -> str:
    """A cell of a pipe's line; short, because a list of thousands calls it for every one."""
    value = row.get(column.key)
    if type(value) is str and value.isascii() and value.isprintable():
        return value
    return _cell(row, column, zone, exact=True)


def _text(value: Any, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return local(value, zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(v, zone) for v in value)
    return prose.clean(str(value), keep_lines=True)


def _fit(widths: list[int], columns: Sequence[Column], width: int) -> list[int]:
    """The widths, with the widest growing column cut again and again until the line fits or none can give more."""
    while _whole(widths) > width:
        i = max((i for i, c in enumerate(columns) if c.grow and widths[i] > NARROWEST), key=lambda i: widths[i], default=None)
        if i is None:
            break
        widths[i] -= 1
    return widths


def _whole(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def folded(line: str, width: int) -> list[str]:
    """The line in lines of at most `width`, broken between words and indented below its first word; a command to copy stays whole."""
    if span(line) <= width or "  $ " in line:
        return [line]
    import textwrap

    indent = " " * min(len(line) - len(line.lstrip()) + 2, width // 2)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [line]


def _pad(text: str, width: int, column: Column) -> str:
    blank = " " * (width - span(text))
    return blank + text if column.kind in ("number", "hours", "percent") else text + blank


def _painted(text: str, width: int, column: Column) -> str:
    padded = _pad(cut(text, width), width, column)
    color = COLORS.get(text.split(" ")[0]) if column.kind == "word" else None
    return click.style(padded, fg=color) if color else padded
