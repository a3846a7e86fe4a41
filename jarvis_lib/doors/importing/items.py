"""What is one thing of an older system, and what is said of a whole import?"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import digest, stamp, text
from jarvis_lib.model.prose import clean, plural, shorten
from jarvis_lib.model.task import Task

CONTENT_LIMIT = 64_000
"""So many characters of one item are kept at most."""


@dataclass(slots=True)
class Item:
    """One thing that comes in. `raw` is what stood there; a task also has the fields of its row, and what it waits for by the words of its system."""

    key: str
    kind: str
    name: str
    raw: Any
    old_id: str = ""
    said: str = ""
    when: datetime | None = None
    task: Task | None = None
    content_hash: str = ""
    state: str = ""
    why: str = ""
    made_at: datetime | None = None
    waits_for: list[str] = field(default_factory=list)
    words: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """16 hex digits of what stood there: the same thing read again has the same ones, a changed one others."""
        return digest(self.raw)[:16]

    def to_json(self) -> dict[str, Any]:
        """The item as the fact holds it."""
        raw: dict[str, Any] = {"key": self.key, "kind": self.kind, "old_id": self.old_id, "said": self.said, "content": text(self.raw), "digest": self.digest}
        if self.when is not None:
            raw["when"] = stamp(self.when)
        if self.task is not None:
            raw |= {"task": self.task.to_json(), "task_id": self.task.id, "content_hash": self.content_hash, "state": self.state, "why": self.why}
            raw["made_at"] = stamp(self.made_at) if self.made_at else None
        return raw


@dataclass(slots=True)
class FileReport:
    """One file: how many items it had, how many came in, how many were there already, and each that was left out with its reason."""

    file: str
    found: int = 0
    imported: int = 0
    there_already: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: str = ""

    def leave_out(self, what: object, why: str) -> None:
        """One item less, and why."""
        self.left_out.append((shorten(clean(str(what)), 100), why))

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        out = [{"item": what, "why": why} for what, why in self.left_out]
        counts = {"found": self.found, "imported": self.imported, "there_already": self.there_already}
        return {"file": self.file, **counts, "left_out": out, "notes": self.notes, "refused": self.refused}

    def lines(self, *, dry_run: bool) -> list[str]:
        """As a person reads it."""
        if self.refused:
            return [f"{self.file}: nothing was imported. {self.refused}"]
        verb = "would come in" if dry_run else "imported"
        there = f", {self.there_already:,} there already" if self.there_already else ""
        out = f", {len(self.left_out):,} left out" if self.left_out else ""
        head = f"{self.file}: {plural(self.found, 'item')}, {self.imported:,} {verb}{there}{out}."
        return [head, *(f"  · {n}" for n in self.notes), *(f"  left out: {what}: {why}" for what, why in self.left_out)]


@dataclass(slots=True)
class Report:
    """A whole import."""

    files: list[FileReport]
    dry_run: bool

    @property
    def whole(self) -> bool:
        """False when a file was refused."""
        return not any(f.refused for f in self.files)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"dry_run": self.dry_run, "said": self.said(), "files": [f.to_json() for f in self.files]}

    def said(self) -> str:
        """The sums in one sentence."""
        found, came = sum(f.found for f in self.files), sum(f.imported for f in self.files)
        there, out = sum(f.there_already for f in self.files), sum(len(f.left_out) for f in self.files)
        verb = "Dry run, nothing was written: " if self.dry_run else ""
        done = "would come in" if self.dry_run else "imported"
        return f"{verb}{plural(found, 'item')} found, {came:,} {done}, {there:,} there already, {out:,} left out."

    def lines(self) -> list[str]:
        """As a person reads it."""
        return [*(line for f in self.files for line in f.lines(dry_run=self.dry_run)), self.said()]
