"""The kernel that notebooks run in: this very Python, reached over sockets in a folder that only we can read.

A kernel spec of the same name elsewhere on the machine is not asked: it may belong to another environment. Sockets of the file system
have no ports, so kernels that start side by side cannot take each other's.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from jarvis_lib.execution import tree

KERNEL = "python3"
_LONGEST_FOLDER = 60  # the name of a socket has room for about a hundred bytes


class OwnKernel(KernelSpecManager):
    """Knows one kernel, whatever it is called. A kernel that runs outside of a jail is `alone`: it imports nothing from the folder that it stands in.

    That folder is the workspace, and what a task left there as `altair.py` would be out of its jail with the morning's page.
    """

    alone = False

    def get_kernel_spec(self, kernel_name: str) -> Any:
        """This very Python, whatever name a notebook asks for; nothing is looked up on the machine."""
        argv = [sys.executable, *(["-P"] if self.alone else []), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


Enter = Callable[[Path], Callable[[Sequence[str]], list[str]]]
"""From the folder of a kernel's sockets to what starts a command inside of a jail that holds it, such as `sandbox.enter.kernel_in` gives."""


class JailedManager(AsyncKernelManager):
    """Starts its kernel by way of `enter`, when the file with its key is written and its command is whole."""

    enter: Enter

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command that enters the jail and starts the kernel there."""
        return self.enter(Path(self.connection_file).parent)(super().format_kernel_cmd(extra_arguments))


def new_folder() -> Path:
    """A private folder for one kernel's sockets and key, named after this process; those of processes that were killed are cleared away."""
    top = Path("/tmp" if len(tempfile.gettempdir()) > _LONGEST_FOLDER else tempfile.gettempdir())
    for old in top.glob("jarvis-kernel-*-*"):
        number = old.name.split("-")[2]
        if number.isdigit() and not tree.exists(int(number)) and old.lstat().st_uid == os.getuid():
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"jarvis-kernel-{os.getpid()}-", dir=top))


def new_manager(connection_file: Path, enter: Enter | None = None) -> Any:
    """A manager for a kernel that is not started yet; with `enter`, one that will run inside of a jail."""
    spec = OwnKernel()
    spec.alone = enter is None
    how = {"kernel_name": KERNEL, "kernel_spec_manager": spec, "transport": "ipc", "connection_file": str(connection_file), "shutdown_wait_time": 2.0}
    if enter is None:
        return AsyncKernelManager(**how)
    manager = JailedManager(**how)
    manager.enter = enter
    return manager
