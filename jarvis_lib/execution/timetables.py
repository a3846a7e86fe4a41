"""What stands in the person's crontab, and in the units of their systemd? Read and written by the machine's own programs.

A table that cannot be read is never taken for an empty one, and what was written is read back.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, shorten

PATIENCE_S = 20.0
"""These programs answer at once; one that does not is not waited for."""


def has_crontab() -> bool:
    """Is there a program crontab?"""
    return shutil.which("crontab") is not None


def read_crontab() -> str:
    """The person's table; empty when there is none. Raises Refused for every other answer, so that nothing is written over."""
    done = _run(["crontab", "-l"])
    said = _words(done.stderr)
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "surrogateescape")
    if "no crontab for" in said:
        return ""
    raise Refused(f"The crontab could not be read, so nothing was changed: {said or f'crontab -l ended with {done.returncode}'}.", code="failed")


def write_crontab(text: str) -> None:
    """Make `text` the person's table (none where it is empty), and read it back. Raises Refused when the table is not what was written."""
    done = _run(["crontab", "-"], text.encode("utf-8", "surrogateescape")) if text else _run(["crontab", "-r"])
    if done.returncode != 0:
        raise Refused(f"The crontab was not taken, so it is as it was: {_words(done.stderr) or f'crontab ended with {done.returncode}'}.", code="failed")
    found = read_crontab()
    if found != text:
        raise Refused("The crontab is not what was written; look at it with crontab -l. The table before stands in data/crontab-backups.", code="failed")


def systemctl(words: Sequence[str]) -> str:
    """What `systemctl --user WORDS` prints. Raises Refused with its own words where it fails, or where no systemd of the person runs."""
    done = _run(["systemctl", "--user", *words])
    if done.returncode != 0:
        raise Refused(f"systemctl --user {' '.join(words[:2])} failed: {_words(done.stderr) or f'it ended with {done.returncode}'}.", code="failed")
    return done.stdout.decode("utf-8", "replace")


def has_systemd() -> bool:
    """Does a systemd of the person run here?"""
    if shutil.which("systemctl") is None:
        return False
    try:
        return _run(["systemctl", "--user", "show-environment"]).returncode == 0
    except Refused:
        return False


def _run(argv: Sequence[str], given: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which(argv[0])
    if program is None:
        raise Refused(f"There is no program {argv[0]} here; install it, or start Jarvis by hand: jarvis overnight start", code="missing")
    env = os.environ | {"LC_ALL": "C"}
    try:
        return subprocess.run([program, *argv[1:]], input=given or b"", capture_output=True, env=env, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{argv[0]} did not answer within {PATIENCE_S:.0f} s; nothing more was done.", code="failed") from error
    except OSError as error:
        raise Refused(f"{argv[0]} could not be started: {error.strerror}.", code="failed") from error


def _words(raw: bytes) -> str:
    return shorten(clean(raw.decode("utf-8", "replace")).rstrip("."), 200)
