"""When did the person commit to a repository? Asks git for times and hashes, and never for content."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, shorten

WALL_S = 120.0
_SAFE = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "--no-pager")
"""What a repository's own settings may not make git start."""


def commits(repository: Path, *, emails: tuple[str, ...], since: datetime | None) -> list[tuple[str, datetime]]:
    """(hash, time) of each commit on any branch whose author has one of `emails` (else git's own address there), oldest first.

    Raises Refused with one sentence when it is no repository, or nobody knows who the person is.
    """
    if not repository.is_dir():
        raise Refused(f"There is no folder {repository}; correct [patterns] repositories in jarvis.toml.", code="missing")
    _git(repository, "rev-parse", "--git-dir")
    own = emails or tuple(filter(None, [_git(repository, "config", "--default", "", "user.email").strip()]))
    if not own:
        raise Refused(f"Git knows no user.email for {repository}; name yours in [patterns] emails of jarvis.toml.", code="missing")
    wanted = {e.casefold() for e in own}
    limit = [f"--since={int(since.timestamp())}"] if since else []
    found = [line.split("\t", 2) for line in _git(repository, "log", "--all", "--no-merges", "--format=%H%x09%at%x09%ae", *limit).splitlines()]
    return sorted(((h, datetime.fromtimestamp(int(at), UTC)) for h, at, email in found if email.casefold() in wanted), key=lambda c: (c[1], c[0]))


def _git(repository: Path, *words: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", str(repository), *words], capture_output=True, timeout=WALL_S, env=env, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError as error:
        raise Refused("There is no git on this machine, so no commits were read.", code="missing") from error
    except subprocess.TimeoutExpired as error:
        raise Refused(f"Git did not answer about {repository} within {WALL_S:.0f} s; nothing of it was read.", code="failed") from error
    if done.returncode:
        why = shorten(clean(done.stderr.decode("utf-8", "replace")), 160)
        raise Refused(f"{repository} is no git repository that can be read ({why}); nothing of it was imported.", code="missing")
    return done.stdout.decode("utf-8", "replace")
