"""What does `add` need of `jarvis.toml`, without reading it through again?

Promise: the values of a file that this very program has read and found right, kept under the file's whole text; a file that differs in one
character is read anew, with all its mistakes told. It is a memory only: removing it costs a few milliseconds once.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from jarvis_lib import __version__
from jarvis_lib.store.whole import write_whole

NAME = "settings-read.json"


class Remembered:
    """The values of `jarvis.toml`, as `Settings.values` has them."""

    __slots__ = ("values",)

    def __init__(self, values: dict[str, dict[str, Any]]) -> None:
        self.values = values


def settings(home: Path) -> Remembered:
    """The settings of the workspace. Raises what `load_settings` raises."""
    memory = os.path.join(home, "data", NAME)
    try:
        with open(memory, encoding="utf-8") as file, open(os.path.join(home, "jarvis.toml"), encoding="utf-8") as source:
            known = json.load(file)
            if known["program"] == __version__ and known["text"] == source.read():
                return Remembered(known["values"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing remembered, or not readable: `_read` reads the file itself and tells what is wrong with it
    return _read(home, memory)


def _read(home: Path, memory: str) -> Remembered:
    from jarvis_lib.workspace import load_settings

    values = load_settings(home).values
    with suppress(OSError):  # a folder that takes no writes only costs the few milliseconds again
        text = (home / "jarvis.toml").read_text(encoding="utf-8")
        write_whole(Path(memory), json.dumps({"program": __version__, "text": text, "values": values}, ensure_ascii=False).encode())
    return Remembered(values)
