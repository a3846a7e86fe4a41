"""Git as Jarvis runs it: by argument lists, without hooks, without a terminal, and with the configuration that it is meant to read and no other."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, shorten

WALL_S = 300.0
_SAFE = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.sshCommand=false", "credential.helper=", "protocol.ext.allow=never", "gc.auto=0"),
    *("maintenance.auto=false", "fetch.fsckObjects=true", "transfer.fsckObjects=true", "core.protectHFS=true", "core.protectNTFS=true"),
    *("advice.detachedHead=false", "submodule.recurse=false", "log.showSignature=false", "core.pager=cat", "diff.external=", "commit.gpgSign=false"),
)
NO_ONE = ("-c", "user.name=Jarvis", "-c", "user.email=jarvis@localhost")


def environment(*, own_settings: bool) -> dict[str, str]:
    """The environment of git: no variable of git's own, and the person's settings only where they are wanted."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SSH_ASKPASS"))}
    env |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    return env if own_settings else env | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1"}


def ran(
    folder: Path, *words: str, own_settings: bool = False, configured: Sequence[str] = (), extra: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run git in a folder; what came out, whatever the exit code. Refuses where there is no git, or it does not come back."""
    settings = [w for pair in (*_SAFE, *configured) for w in ("-c", pair)]
    argv = ["git", *settings, "-c", f"safe.directory={folder}", "-C", str(folder), *words]
    try:
        return subprocess.run(
            argv,
            capture_output=True,
            timeout=WALL_S,
            env=environment(own_settings=own_settings) | dict(extra or {}),
            stdin=subprocess.DEVNULL,
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Refused("There is no git on this machine; install git to work on repositories.", code="missing") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"Git did not come back within {WALL_S:.0f} s in {clean(str(folder))}.", code="failed") from error


def git(folder: Path, *words: str, why: str, own_settings: bool = False, configured: Sequence[str] = ()) -> str:
    """What git printed. Refuses with `why` and git's own last words when it failed."""
    done = ran(folder, *words, own_settings=own_settings, configured=configured)
    if done.returncode:
        raise Refused(f"{why}: {last_words(done)}", code="failed")
    return done.stdout.decode("utf-8", "surrogateescape")


def last_words(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The line of git's errors that says most."""
    lines = [line for line in clean((done.stderr or done.stdout).decode("utf-8", "replace"), keep_lines=True).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return shorten((telling or lines or [f"exit {done.returncode}"])[0], 200)


def commit_of(folder: Path, name: str) -> str:
    """The commit that a name stands for, or an empty string."""
    done = ran(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def is_ancestor(folder: Path, older: str, newer: str) -> bool:
    return ran(folder, "merge-base", "--is-ancestor", older, newer).returncode == 0
