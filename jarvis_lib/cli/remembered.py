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
    temporary = f"{memory}.{os.getpid()}"
    with suppress(OSError):  # a folder that takes no writes only costs the few milliseconds again
        text = (home / "jarvis.toml").read_text(encoding="utf-8")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"program": __version__, "text": text, "values": values}, file, ensure_ascii=False)
        os.replace(temporary, memory)
    return Remembered(values)
