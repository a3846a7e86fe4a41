"""When did the catch-up last run here, and what kept it from beginning a session? A small file beside the store, never a fact.

Losing it costs a sentence: slots and their rows stand in the store.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from jarvis_lib.model.fact import moment, stamp
from jarvis_lib.store.whole import write_whole

NAME = Path("data/catch-up.json")


@dataclass(frozen=True, slots=True)
class Memory:
    """`beat` is the last run, `looked` the moment up to which missed slots are known, `kept_out` why slots could not be begun."""

    beat: datetime | None = None
    looked: datetime | None = None
    kept_out: dict[str, str] = field(default_factory=dict)


def recall(home: Path) -> Memory:
    """What is remembered; nothing where the file is not there or not whole."""
    try:
        raw = json.loads((home / NAME).read_text(encoding="utf-8"))
        beat, looked = (moment(raw[name]) if raw[name] else None for name in ("beat", "looked"))
        return Memory(beat, looked, {str(k): str(v) for k, v in raw["kept_out"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Memory()


def remember(home: Path, memory: Memory) -> None:
    """Keep it. A folder that takes no file costs only the memory."""
    raw = {"beat": memory.beat and stamp(memory.beat), "looked": memory.looked and stamp(memory.looked), "kept_out": memory.kept_out}
    with suppress(OSError):
        (home / NAME).parent.mkdir(parents=True, exist_ok=True)
        write_whole(home / NAME, json.dumps(raw).encode())
