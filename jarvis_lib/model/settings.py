"""What does this `jarvis.toml` say, and what is wrong with it?

All errors are found at once, each with its line and the nearest right key. The table of keys that reads it also writes the commented file of
`jarvis init`, so the file and the program cannot drift.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import time
from typing import Any

from jarvis_lib.model.context import ALLOWS_DEFAULTS, Allows, Habit, allowed, habits
from jarvis_lib.model.delivery import mistakes as delivery_mistakes
from jarvis_lib.model.phase import PhaseTemplate, key_of, read_template
from jarvis_lib.model.policy import Policy
from jarvis_lib.model.prose import hint
from jarvis_lib.model.setting_keys import KEYS
from jarvis_lib.model.setting_kinds import read
from jarvis_lib.model.trust import Terms
from jarvis_lib.model.window import DAYS, KINDS, WindowRule

WEEK_MINUTES = 10080


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in the file: its line (0 when it has none) and a sentence."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"jarvis.toml line {self.line}: {self.sentence}" if self.line else f"jarvis.toml: {self.sentence}"


class BadSettings(Exception):
    """The file cannot be used; `mistakes` holds every error found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(m) for m in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file as values. `get` reads one key; the rest are readings that several components share."""

    values: dict[str, dict[str, Any]]

    def get(self, section: str, key: str) -> Any:
        """The value, or its default; KeyError for a key that is not in KEYS."""
        return self.values[section][key]

    @property
    def policy(self) -> Policy:
        """What runs by itself and what is asked about."""
        own = self.values["policy"]
        return Policy(tuple(own["auto"]), tuple(own["ask"]), tuple(own["auto_accept"]), own["cost_limit"], self._terms)

    @property
    def _terms(self) -> Terms | None:
        own = self.values["trust"]
        return Terms(own["least"], own["bound"]) if own["on"] else None

    def phases_of(self, category: str) -> tuple[PhaseTemplate, ...]:
        """How a large task of this category is divided."""
        return read_template(self.values["weekend.phases"][key_of(category)])[0]

    @property
    def habits(self) -> tuple[Habit, ...]:
        """What the clock alone expects of the person, by the section `context.clock`."""
        return habits(self.values["context.clock"])

    def allows(self, context: str) -> Allows:
        """What a context allows; never more attempts at once than `[night] lanes`."""
        return allowed(self.values["context.allows"][context], lanes=self.values["night"]["lanes"])

    @property
    def windows(self) -> tuple[WindowRule, ...]:
        """The four windows, in local days (0 = Monday) and times."""
        rules = []
        for kind in KINDS:
            own = self.values[f"windows.{kind}"]
            days = tuple(sorted(DAYS.index(d) for d in own["days"]))
            rules.append(WindowRule(kind, own["on"], days, time.fromisoformat(own["start"]), time.fromisoformat(own["end"]), own["longest_hours"]))
        return tuple(rules)


def _stands_already(error: str, text: str) -> str:
    """What to do where a section was pasted that is there: the template has them all."""
    twice = re.search(r"Cannot declare \(('[^)]*')\,?\) twice", error)
    if not twice:
        return ""
    section = ".".join(re.findall(r"'([^']+)'", twice[1]))
    line = next((n for n, line in enumerate(text.splitlines(), 1) if line.strip() == f"[{section}]"), 0)
    return f". [{section}] stands already in line {line}; change its keys there" if line else ""


def parse(text: str) -> Settings:
    """The settings in `text`, defaults filled in. Raises BadSettings with every mistake at once."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        raise BadSettings([Mistake(int(found.group(1)) if found else 0, f"not valid TOML: {error}{_stands_already(str(error), text)}")]) from error
    lines = _lines(text)
    flat, mistakes = _flatten(raw, lines)
    values: dict[str, dict[str, Any]] = {}
    for section, keys in KEYS.items():
        given = flat.get(section, {})
        values[section] = {}
        for name in given:
            if name not in keys:
                mistakes.append(Mistake(lines.get((section, name), 0), f"unknown key {name!r} in [{section}].{hint(name, keys)}"))
        for name, (kind, default, _) in keys.items():
            if kind == "allows":
                values[section][name], wrongs = _read_allows(name, given.get(name, {}), lines)
                mistakes += wrongs
                continue
            value, wrong = read(kind, given[name]) if name in given else (default, "")
            values[section][name] = value
            if wrong:
                line = lines.get((section, name), lines.get((f"{section}.{name}", ""), 0))
                mistakes.append(Mistake(line, f"[{section}] {name}: {wrong}"))
    mistakes = mistakes or _endless(flat, lines) or _nonsense(values, lines)
    if mistakes:
        raise BadSettings(sorted(mistakes, key=lambda m: m.line))
    return Settings(values)


def template() -> str:
    """A commented `jarvis.toml` with every key at its default."""
    out = ["# Settings of this Jarvis workspace. Every key stands here with its default; `jarvis doctor` checks the file.", ""]
    for section, keys in KEYS.items():
        out.append(f"[{section}]")
        for name, (_, default, meaning) in keys.items():
            line = f"{name} = {toml(default)}"
            out.append(f"{line}  # {meaning}" if meaning else line)
        out.append("")
    return "\n".join(out)


def toml(value: Any) -> str:
    """The value as it stands in the file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    return f"{value}"


def _lines(text: str) -> dict[tuple[str, str], int]:
    """(section, key) -> line. Reads only headers and plain keys, which is all that this file may have."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*([A-Za-z0-9_.\- ]+?)\s*\]", line)
        key = re.match(r"\s*([A-Za-z0-9_\-.\"]+)\s*=", line)
        if header:
            section = header.group(1)
            found[section, ""] = number
        elif key:
            found[section, key.group(1).strip('"')] = number
    return found


def _flatten(raw: dict[str, Any], lines: dict[tuple[str, str], int]) -> tuple[dict[str, dict[str, Any]], list[Mistake]]:
    flat: dict[str, dict[str, Any]] = {}
    mistakes = []
    for name, value in raw.items():
        if not isinstance(value, dict):
            mistakes.append(Mistake(lines.get(("", name), 0), f"{name!r} stands outside of a section.{hint(name, KEYS)}"))
        elif name == "windows":
            for kind, own in value.items():
                if f"windows.{kind}" in KEYS and isinstance(own, dict):
                    flat[f"windows.{kind}"] = own
                else:
                    line = lines.get((f"windows.{kind}", ""), lines.get(("windows", kind), 0))
                    mistakes.append(Mistake(line, f"unknown window {kind!r}.{hint(kind, KINDS)}"))
        elif name == "context":
            flat[name] = {k: v for k, v in value.items() if not isinstance(v, dict)}
            for part, own in value.items():
                if f"context.{part}" in KEYS and isinstance(own, dict):
                    flat[f"context.{part}"] = own
                elif isinstance(own, dict):
                    line = next((at for (section, _), at in lines.items() if f"{section}.".startswith(f"context.{part}.")), 0)
                    mistakes.append(Mistake(line, f"unknown section [context.{part}].{hint(part, ('clock', 'allows'))}"))
        elif name in KEYS:
            nested = [k for k, own in value.items() if f"{name}.{k}" in KEYS and isinstance(own, dict)]
            flat |= {f"{name}.{k}": value[k] for k in nested}
            flat[name] = {k: own for k, own in value.items() if k not in nested}
        else:
            mistakes.append(Mistake(lines.get((name, ""), 0), f"unknown section [{name}].{hint(name, KEYS)}"))
    return flat, mistakes


def _read_allows(context: str, given: Any, lines: dict[tuple[str, str], int]) -> tuple[dict[str, Any], list[Mistake]]:
    """What a context allows: the default with what is `given`, and what is wrong with that."""
    default = ALLOWS_DEFAULTS[context]
    head = f"context.allows.{context}"
    at = lines.get((head, ""), lines.get(("context.allows", context), 0))
    if not isinstance(given, dict):
        return default, [Mistake(at, f"[context.allows] {context}: must be a table such as {{ lanes = 2 }}, not {given!r}")]
    mistakes = []
    for name, value in given.items():
        line = lines.get((head, name), at)
        if name not in default:
            mistakes.append(Mistake(line, f"unknown key {name!r} in [{head}].{hint(name, default)}"))
            continue
        kind = {"start_work": "bool", "notify": "bool", "lanes": "int>=1", "tags": "texts", "size": "size"}.get(name, "categories")
        wrong = read(kind, value)[1]
        if wrong:
            mistakes.append(Mistake(line, f"[{head}] {name}: {wrong}"))
    return default | given, mistakes


def _endless(flat: dict[str, dict[str, Any]], lines: dict[tuple[str, str], int]) -> list[Mistake]:
    """Windows that are given a start and no end: the end of the default may be any, so it is not guessed."""
    found = []
    for kind in KINDS:
        own, default = flat.get(f"windows.{kind}", {}), KEYS[f"windows.{kind}"]["end"][1]
        if "start" in own and "end" not in own:
            line = lines.get((f"windows.{kind}", "start"), 0)
            found.append(Mistake(line, f'[windows.{kind}] has a start but no end; add one, such as end = "{default}"'))
    return found


def _nonsense(values: dict[str, dict[str, Any]], lines: dict[tuple[str, str], int]) -> list[Mistake]:
    """What is wrong between keys that are right alone."""
    found = []
    both = [c for c in values["policy"]["auto"] if c in values["policy"]["ask"]]
    for name in both:
        found.append(Mistake(lines.get(("policy", "ask"), 0), f"[policy] {name!r} stands in both auto and ask"))
    if values["person"]["subdivision"] and not values["person"]["country"]:
        found.append(Mistake(lines.get(("person", "subdivision"), 0), "[person] subdivision is set, but country is not; set both, or neither"))
    night = values["night"]
    if night["checks_end_minutes_before"] > night["work_ends_minutes_before"]:
        line = lines.get(("night", "checks_end_minutes_before"), 0)
        found.append(Mistake(line, "[night] checks would end before the work does: checks_end_minutes_before > work_ends_minutes_before"))
    turned = set()
    for kind in KINDS:
        own = values[f"windows.{kind}"]
        line = lines.get((f"windows.{kind}", "end"), lines.get((f"windows.{kind}", "start"), 0))
        if not own["on"] or own["start"] < own["end"] or (own["start"] > own["end"] and (kind == "overnight" or own["end"] == "00:00")):
            continue
        said = f"ends at {own['end']}, before it starts at {own['start']}; only overnight goes past midnight, so end it by 00:00"
        if own["start"] == own["end"]:
            said = f"starts and ends at {own['start']}; switch it off with on = false"
        found.append(Mistake(line, f"[windows.{kind}] {said}"))
        turned.add(kind)
    found += _overlaps(values, lines, turned)
    found += [Mistake(lines.get((section, key), lines.get((section, ""), 0)), sentence) for section, key, sentence in delivery_mistakes(values)]
    return found


def _overlaps(values: dict[str, dict[str, Any]], lines: dict[tuple[str, str], int], turned: set[str]) -> list[Mistake]:
    """Two windows that meet, other than overnight (which wins by rule) and those that are `turned` around."""
    found = []
    kinds = [k for k in KINDS if k != "overnight" and k not in turned and values[f"windows.{k}"]["on"]]
    for i, one in enumerate(kinds):
        for two in kinds[i + 1 :]:
            if _meet(values[f"windows.{one}"], values[f"windows.{two}"]):
                line = next((lines[f"windows.{k}", n] for k in (two, one) for n in ("start", "days") if (f"windows.{k}", n) in lines), 0)
                found.append(Mistake(line, f"[windows.{two}] overlaps [windows.{one}]; only overnight may overlap others"))
    return found


def _meet(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """Have two windows a minute of the week in common?"""
    own, other = _starts(one), _starts(two)
    return any((b - a) % WEEK_MINUTES < _length(one) or (a - b) % WEEK_MINUTES < _length(two) for a in own for b in other)


def _starts(own: dict[str, Any]) -> list[int]:
    """The minutes of the week at which a window begins."""
    return [DAYS.index(day) * 1440 + _minutes(own["start"]) for day in own["days"]]


def _length(own: dict[str, Any]) -> int:
    return (_minutes(own["end"]) - _minutes(own["start"])) % 1440 or 1440


def _minutes(at: str) -> int:
    return int(at[:2]) * 60 + int(at[3:])
