"""JupyterLab on the workspace's notebooks, without a look at the outside: no news, no update check, no extension index."""

import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from jarvis_lib.model.fact import Refused

SETTINGS = Path(__file__).with_name("lab_settings")
KERNEL = "jarvis"
QUIET = (
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
    f"--LabApp.app_settings_dir={SETTINGS}",
    f"--MultiKernelManager.default_kernel_name={KERNEL}",
)
"""The settings that come along say no to the question about news before it is asked; those of the person stand above them."""


def start(home: Path, more: tuple[str, ...] = ()) -> NoReturn:
    """Become JupyterLab in `home/notebooks`: this process is replaced, so whoever ends it ends Lab. Raises Refused when it is not there."""
    folder = home / "notebooks"
    if not folder.is_dir():
        raise Refused(f"There is no folder {folder}; make one with its notebooks by: jarvis init", code="missing")
    if find_spec("jupyterlab") is None:
        raise Refused("JupyterLab is not installed in this environment; install it with: pip install jupyterlab", code="failed")
    argv, env = command(folder, more), environment(home)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(argv[0], argv, env)


def environment(home: Path) -> dict[str, str]:
    """Ours, with the workspace and the folder of its kernel."""
    paths = [str(own_kernel(home)), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    return os.environ | {"JARVIS_HOME": str(home), "JUPYTER_PATH": os.pathsep.join(paths)}


def own_kernel(home: Path) -> Path:
    """Write the kernel that Lab's launcher calls "Jarvis": this very Python, on this workspace. The folder to look for kernels in.

    It loads nothing by itself, so that a notebook does the same at night, where its cells are all that runs. The folder is made anew each time: JupyterLab
    starts whatever stands in it, so nothing that a task left there before may.
    """
    top = home / "data" / "jupyter"
    if top.is_symlink() or top.is_file():
        top.unlink()
    shutil.rmtree(top, ignore_errors=True)
    folder = top / "kernels" / KERNEL
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SETTINGS / "logo-svg.svg", folder / "logo-svg.svg")
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Jarvis",
        "language": "python",
        "env": {"JARVIS_HOME": str(home)},
        "metadata": {"debugger": True},
    }
    half = folder / ".kernel.json.half"
    half.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    os.replace(half, folder / "kernel.json")
    return top


def command(folder: Path, more: tuple[str, ...] = ()) -> list[str]:
    """The argv that starts it."""
    return [sys.executable, "-P", "-m", "jupyterlab", f"--notebook-dir={folder}", *QUIET, *more]
