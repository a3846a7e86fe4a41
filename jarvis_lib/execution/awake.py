"""How is the machine kept from falling asleep while a session works? By a small program that holds it awake and ends when the session does.

Only on mains power: a laptop in a bag must be able to sleep. The program waits for the end of a pipe that this process holds, so that it ends
whatever becomes of this process. Where there is no such program, or it may not do it, nothing happens and nothing is broken.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

WHY = "Jarvis works on the queue"


@contextmanager
def held(*, on: bool = True) -> Iterator[None]:
    """Hold the machine awake inside of the `with`, where it is on mains power and can be held."""
    argv = command() if on and on_mains() else None
    if argv is None:
        yield
        return
    try:
        holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        assert holder.stdin is not None
        with suppress(OSError):
            holder.stdin.close()
        try:
            holder.wait(5)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()


def command() -> list[str] | None:
    """The argv that holds the machine awake until its standard input ends; None where there is no program for it."""
    for program, words in (
        ("systemd-inhibit", ["--what=idle:sleep", "--who=Jarvis", f"--why={WHY}", "--mode=block", "cat"]),
        ("caffeinate", ["-i", "cat"]),
    ):
        found = shutil.which(program)
        if found:
            return [found, *words]
    return None


def on_mains() -> bool:
    """False only where a battery is seen and nothing charges it."""
    import psutil

    try:
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    except (OSError, ValueError, RuntimeError):
        return True  # a machine that cannot tell is taken for one without a battery
    return battery is None or battery.power_plugged is not False
