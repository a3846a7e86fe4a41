"""Git as Jarvis runs it: by argument lists, without hooks, without a terminal, and with the configuration that it is meant to read and no other."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, shorten

WALL_S = 300.0
_SAFE = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.sshCommand=false", "credential.helper=", "protocol.ext.allow=never", "gc.auto=0"),
    *("maintenance.auto=false", "core.protectHFS=true", "core.protectNTFS=true"),
    *("advice.detachedHead=false", "submodule.recurse=false", "log.showSignature=false", "core.pager=cat", "diff.external=", "commit.gpgSign=false"),
)
NO_ONE = ("-c", "user.name=Jarvis", "-c", "user.email=jarvis@localhost")


def environment(*, own_settings: bool) -> dict[str, str]:
    """The environment of git: no variable of git's own, and the person's settings only where they are wanted."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SSH_ASKPASS"))}
    env |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    return env if own_settings else env | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1"}


def ran(
    folder: Path,
    *words: str,
    own_settings: bool = False,
    configured: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    given: bytes | int | None = None,
    trusted: bool = True,
) -> "subprocess.CompletedProcess[bytes]":
    """Run git in a folder; what came out, whatever the exit code. `given` is what it reads: bytes, or an open file from where that stands.

    Refuses where there is no git, or it does not come back; then all that it started is ended. Where git is to say itself whether it trusts the folder's
    owner, `trusted` is false.
    """
    argv = _argv(folder, words, configured, trusted=trusted)
    env = environment(own_settings=own_settings) | dict(extra or {})
    stdin = given if isinstance(given, int) else subprocess.PIPE if given is not None else subprocess.DEVNULL
    with _started(argv, env, stdin) as process:
        try:
            out, err = process.communicate(given if isinstance(given, bytes) else None, timeout=WALL_S)
        except subprocess.TimeoutExpired as error:
            raise Refused(f"Git did not come back within {WALL_S:.0f} s in {clean(str(folder))}.", code="failed") from error
        return subprocess.CompletedProcess(argv, process.returncode, out, err)


def first_bytes(folder: Path, *words: str, limit: int, why: str) -> tuple[bytes, bool]:
    """The first bytes of what git prints, and whether there was more, which is then never made."""
    with _started(_argv(folder, words, (), trusted=True), environment(own_settings=False), subprocess.DEVNULL, silent=True) as process:
        out = process.stdout.read(limit + 1) if process.stdout else b""
        if len(out) > limit:
            return out[:limit], True
        if process.wait():
            raise Refused(f"{why}: git ended with exit {process.returncode}", code="failed")
    return out, False


def _argv(folder: Path, words: Sequence[str], configured: Sequence[str], *, trusted: bool) -> list[str]:
    settings = [w for pair in (*_SAFE, *configured, *([f"safe.directory={folder}"] if trusted else [])) for w in ("-c", pair)]
    return ["git", *settings, "-C", str(folder), *words]


@contextlib.contextmanager
def _started(argv: list[str], env: Mapping[str, str], stdin: int, *, silent: bool = False) -> "Iterator[subprocess.Popen[bytes]]":
    """The started git. Whatever of its session is alive at the end is ended: an upload-pack would otherwise outlive the git that asked it."""
    errors = subprocess.DEVNULL if silent else subprocess.PIPE
    try:
        process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=errors, env=dict(env), start_new_session=True)
    except FileNotFoundError as error:
        raise Refused("There is no git on this machine; install git to work on repositories.", code="missing") from error
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


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
    """Does the newer commit build on the older one, or is it the same?"""
    return ran(folder, "merge-base", "--is-ancestor", older, newer).returncode == 0


def object_format(repo: Path) -> str:
    """sha1 or sha256: a repository can only be copied into one of its own kind."""
    return git(repo, "rev-parse", "--show-object-format", why="Git failed").strip()


def fetched(into: Path, repo: Path, *refspecs: str, why: str) -> None:
    """Copy objects and refs from one repository into another, by git's own transfer: nothing is shared, no hook runs, no other ref moves.

    The asked side is a repository of the person's or of Jarvis, never a task's; whether the person trusts it was asked when its copy was made. So its objects
    are not checked: old histories hold objects that git would not make today, and those of a task were checked when they came in.
    """
    asked = "git -c 'safe.directory=*' upload-pack"
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-gc", f"--upload-pack={asked}")
    git(into, *words, "--", str(repo), *refspecs, why=why, configured=("fetch.fsckObjects=false", "transfer.fsckObjects=false"))
