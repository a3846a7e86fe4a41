"""Which adapter has this name, and where is its program? An adapter's module is loaded when it is asked for."""

import os
import re
import shutil
import subprocess
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from jarvis_lib.execution.agents.contract import Adapter
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task import AGENTS

VERSION_S = 30.0
_VERSION = re.compile(r"\d+(?:\.\d+){1,3}(?:[-+][\w.]+)?")


def adapter(name: str) -> Adapter:
    """The adapter of this name. Refuses others."""
    if name not in AGENTS:
        raise Refused(f"There is no agent {clean(name)[:40]!r}. Agents: {', '.join(AGENTS)}.")
    return cast(Adapter, import_module(f"jarvis_lib.execution.agents.{name}").ADAPTER)


def program(own: Adapter, configured: str, *, template: str = "") -> str:
    """The full path of the agent's program: where [agent] programs says, else in PATH. Refuses when it is not there."""
    if own.name == "custom":
        return (template.split() or [""])[0]
    wanted = [os.path.expanduser(configured)] if configured else list(own.programs)
    found = next((path for path in map(shutil.which, wanted) if path), None)
    if found is None:
        where = configured or f"{own.programs[0]} in PATH"
        raise Refused(f"The agent {own.name} is not there ({clean(where)[:100]}); install it, or name its program in jarvis.toml: [agent] programs.")
    return found


@cache
def version(path: str) -> str:
    """What `PROGRAM --version` says, empty when it does not say."""
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=VERSION_S,
            check=False,
            env={"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search((done.stdout + done.stderr).decode("utf-8", "replace"))
    return found[0] if found else ""


def places(path: str) -> list[Path]:
    """What must be readable for the program to run: its folder and its package, with links followed, and the Node that its first line names."""
    real = Path(os.path.realpath(path))
    found = [Path(path).parent, real.parent]
    package = next((p for p in real.parents if p.name == "node_modules"), None)
    found += [package] if package is not None else []
    return [p for p in dict.fromkeys(found) if p.is_dir() and not p.is_relative_to("/usr")]
