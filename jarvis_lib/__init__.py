"""Jarvis: idle hours in, proved work out. In a notebook: `import jarvis_lib as jarvis`, then `jarvis.tasks()` and the other names of `jarvis_lib.lab`.

Nothing of that is loaded before it is asked for, so the command line pays nothing for it.
"""

import sys
from importlib import import_module
from typing import Any

# JupyterLab brings an optional JSON-schema checker that builds a grammar at import (1.2 s of CPU for
# every import of nbformat, papermill or altair). jsonschema works without it when it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__version__ = "0.1.0"

_IN_NOTEBOOKS = (
    *("add", "attempts", "charts", "decisions", "events", "inbox", "metrics", "next", "patterns", "plan", "predictions", "problems"),
    *("result", "sessions", "show", "sql", "tasks", "use", "why"),
)
_LAB = "jarvis_lib.lab"


def __getattr__(name: str) -> Any:
    """The names of notebooks, loaded when they are asked for."""
    if name not in _IN_NOTEBOOKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAB), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_IN_NOTEBOOKS})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext jarvis_lib`: the magics `%jarvis`, `%%jarvis_task` and `%%jsql`."""
    import_module(f"{_LAB}.magics").load(shell)


if "IPython" in sys.modules:  # a kernel: charts draw there without a network from now on, whoever makes them
    import_module(f"{_LAB}.kernel").settle()
