"""Jarvis: idle hours in, proved work out. See `workspace.open_workspace` for the API of notebooks."""

import sys

# JupyterLab brings an optional JSON-schema checker that builds a grammar at import (1.2 s of CPU for
# every import of nbformat, papermill or altair). jsonschema works without it when it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__version__ = "0.1.0"
