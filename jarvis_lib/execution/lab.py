"""JupyterLab on the workspace's notebooks, without a look at the outside: no news, no update check, no extension index."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from jarvis_lib.model.fact import Refused

QUIET = (
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
    f"--LabApp.app_settings_dir={Path(__file__).with_name('lab_settings')}",
)
"""The settings that come along say no to the question about news before it is asked; those of the person stand above them."""


def start(home: Path, more: tuple[str, ...] = ()) -> NoReturn:
    """Become JupyterLab in `home/notebooks`: this process is replaced, so whoever ends it ends Lab. Raises Refused when it is not there."""
    folder = home / "notebooks"
    if not folder.is_dir():
        raise Refused(f"There is no folder {folder}; make one with its notebooks by: jarvis init", code="missing")
    if find_spec("jupyterlab") is None:
        raise Refused("JupyterLab is not installed in this environment; install it with: pip install jupyterlab", code="failed")
    argv = command(folder, more)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(argv[0], argv, os.environ | {"JARVIS_HOME": str(home)})


def command(folder: Path, more: tuple[str, ...] = ()) -> list[str]:
    """The argv that starts it."""
    return [sys.executable, "-m", "jupyterlab", f"--notebook-dir={folder}", *QUIET, *more]
